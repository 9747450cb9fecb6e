"""A value times its own sigmoid, both as codes: silu where a runtime has no operator of its own for it.

gate   = quantize(sigmoid(s_x · x))              with the parameters that the target demands of a sigmoid
output = clip(rint(x · gate · s_x·s_g/s_o) + z_o)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.simulation.layer_spec import LayerSpec


def gated(
    spec: LayerSpec, _: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, __: Mapping[str, Array]
) -> tuple[Array, ...]:
    """The product of centred codes and those of their sigmoid, exact in float32; rescaled, it is the output."""
    (codes,), (given,) = inputs, spec.inputs
    assert given is not None
    assert spec.gate is not None
    return (codes * arrays.quantize(arrays.sigmoid(arrays.dequantize(codes, given)), spec.gate),)

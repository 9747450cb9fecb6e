"""A mean over all of space on codes, in the order of onnxruntime's global average pool: their sum, times one number.

codes = clip(rint(sum · m) + zero_point) - zero_point        m = s_x / (s_o · n), in float32, for n elements

Taken in reals instead, a mean near a tie is rounded the other way. An average over windows is taken in reals there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Final

import numpy as np

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.ir.graph import Node
from clika_core.numerics import QuantParams
from clika_core.schemes import PerTensor
from clika_core.schemes.named import INT32
from clika_core.simulation.layer_spec import LayerSpec, code_bounds
from clika_core.simulation.learning import learned, multiplied, quantized
from clika_core.simulation.ratios import operand, ratio

_LARGEST_SUM: Final = 2.0**21
_INTEGERS: Final = QuantParams(np.asarray(1, np.float32), np.asarray(0, np.int32), INT32, PerTensor())


def averaged(
    spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, weights: Mapping[str, Array]
) -> tuple[Array, ...]:
    """The centred output codes.

    Sums of codes are integers, exact in float32. A mean of them, times n again, is rounded three times, and less than
    a half away from the sum where that is below 2**21.
    """
    (codes,), (given,), (output,) = inputs, spec.inputs, spec.outputs
    assert given is not None
    assert output is not None
    sizes = [codes.shape[axis] for axis in _axes(spec.node, len(codes.shape))]
    is_known = bool(sizes) and None not in sizes  # windows have none, nor has a graph built before its inputs
    if not is_known or prod(sizes) * max(map(abs, code_bounds(given))) >= _LARGEST_SUM:
        (mean,) = call.run([arrays.dequantize(codes, given)], weights)
        return (quantized(mean, output, arrays),)
    count = float(prod(sizes))
    (mean,) = call.run([codes], weights)
    sums = arrays.cast(arrays.quantize(mean * count, _INTEGERS), "float32")
    factor = ratio(given, output, codes, arrays, count)
    found = arrays.quantize(sums * operand(factor), replace(output, scale=np.asarray(1, np.float32)))
    return (learned(found, output, arrays, lambda: multiplied(sums, factor, None, arrays)),)


def _axes(node: Node, rank: int) -> Sequence[int]:
    """The spatial axes that a layer averages over as a whole; none where it averages over windows."""
    if node.type == "mean":
        return tuple(range(2, rank))
    wanted = node.attributes["output_size"]
    assert isinstance(wanted, tuple)
    if any(size != 1 for size in wanted):
        return ()
    last = rank - 1 if "channel_axis" in node.attributes else rank
    return range(last - len(wanted), last)

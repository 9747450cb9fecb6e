"""prelu on codes: x where x >= 0, and x · slope elsewhere, each side with its multiplier in fixed point.

above = s_x/s_o, below = s_x·s_slope/s_o                       (`fixed_point` has how they multiply)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.simulation.fixed_point import WIDE, rounded_twice
from clika_core.simulation.layer_spec import LayerSpec, code_bounds
from clika_core.simulation.learning import learned, multiplied


def sloped(
    _: LayerSpec, __: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, weights: Mapping[str, Array]
) -> tuple[Array, ...]:
    """Centred codes above zero, and those below it times codes of slopes, which broadcast; zeros elsewhere."""
    (codes,) = inputs
    below = arrays.clip(codes, -float("inf"), 0.0) * weights["weight"]
    return arrays.clip(codes, 0.0, float("inf")), below


def round_slopes(spec: LayerSpec, unrounded: Sequence[Array], arrays: ArrayOps) -> tuple[Array, ...]:
    """The centred output codes, from what `sloped` gives."""
    output = spec.outputs[0]
    assert output is not None
    assert spec.shifts is not None
    assert spec.slope_shifts is not None
    sides = ((spec.multiplier, spec.shifts), (spec.slope_multiplier, spec.slope_shifts))
    above, below = (
        rounded_twice(side, multiplier, shifts, None, WIDE, arrays)
        for side, (multiplier, shifts) in zip(unrounded, sides, strict=True)
    )
    codes = arrays.clip(above + below, *code_bounds(output))
    return (learned(codes, output, arrays, lambda: _unrounded(spec, unrounded, arrays)),)


def _unrounded(spec: LayerSpec, sides: Sequence[Array], arrays: ArrayOps) -> Array:
    above, below = (
        multiplied(side, multiplier, None, arrays)
        for side, multiplier in zip(sides, (spec.multiplier, spec.slope_multiplier), strict=True)
    )
    return above + below

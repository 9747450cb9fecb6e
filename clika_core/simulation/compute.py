"""One quantized layer on codes: what the runtime computes, over any backend's arrays, differentiable.

Values between quantized layers are *centred codes*: `quantize(x) - zero_point`, as float32. Zero is 0, so that
padding and empty sums need no zero point, and real = code · scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from typing import Any, TypeAlias

import numpy as np

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.ir.operators import OPERATORS
from clika_core.numerics import QuantParams, multiply_add
from clika_core.simulation.attention import attend
from clika_core.simulation.averaging import averaged
from clika_core.simulation.fixed_point import rounded_twice
from clika_core.simulation.gating import gated
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.learning import learned, multiplied, quantized
from clika_core.simulation.parameters import numbers
from clika_core.simulation.ratios import operand, ratio
from clika_core.simulation.sloping import round_slopes, sloped
from clika_core.targets.target import Arithmetic

BIAS_BOUND = 2.0**31 - 1

Weights: TypeAlias = Mapping[str, Array]
Compute: TypeAlias = Callable[[LayerSpec, LayerCall, Sequence[Array], ArrayOps, Weights], tuple[Array, ...]]
Round: TypeAlias = Callable[[LayerSpec, Sequence[Array], ArrayOps], tuple[Array, ...]]


def compute_codes(
    spec: LayerSpec,
    call: LayerCall,
    inputs: Sequence[Array],
    arrays: ArrayOps,
    weights: Weights | None = None,
) -> tuple[Array, ...]:
    """The centred output codes of a quantized group, from the centred codes (or indices) of its head's inputs.

    `weights` are what `layer_weights` gives, where it is known already.
    """
    given = layer_weights(spec, call, inputs, arrays) if weights is None else weights
    return codes_of(spec, compute_unrounded(spec, call, inputs, arrays, given), arrays)


def compute_unrounded(
    spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, weights: Weights
) -> tuple[Array, ...]:
    """What `codes_of` takes: sums of products, results in reals, or the two operands of a sum."""
    return _COMPUTE[spec.arithmetic](spec, call, inputs, arrays, weights)


def codes_of(spec: LayerSpec, unrounded: Sequence[Array], arrays: ArrayOps) -> tuple[Array, ...]:
    """The centred output codes, each from the elements in the same place: parts of arrays give parts of codes.

    Sums that leave as reals are multiplied alone.
    """
    outputs = _ROUND[spec.arithmetic](spec, unrounded, arrays)
    if spec.clamp is None:
        return outputs
    return (arrays.clip(outputs[0], *spec.clamp), *outputs[1:])


def layer_weights(spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps) -> Weights:
    """The layer's own operands as it computes with them: codes, with the bias as an integer, or rounded reals."""
    if spec.arithmetic is Arithmetic.MOVE:
        return {}
    given = {**_numbers(spec, inputs[0], arrays), **call.weights}
    codes = {role: quantized(given[role], params, arrays) for role, params in spec.weights.items()}
    if spec.arithmetic is Arithmetic.ELEMENTWISE:
        return {role: arrays.dequantize(code, spec.weights[role]) for role, code in codes.items()}
    bias = call.weights.get("bias")
    if bias is not None and spec.bias_divisor is not None:
        codes["bias"] = arrays.round_to_codes(bias, spec.bias_divisor, BIAS_BOUND)
    return _cast_all(codes, spec.accumulate_dtype, arrays)


def _accumulate(
    spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, weights: Weights
) -> tuple[Array, ...]:
    """Sums of products of codes, plus the bias as an integer."""
    return call.run([arrays.cast(x, spec.accumulate_dtype) for x in inputs], weights)


def _rescale(spec: LayerSpec, unrounded: Sequence[Array], arrays: ArrayOps) -> tuple[Array, ...]:
    """One float32 multiplier; round; clip."""
    output, sums = spec.outputs[0], arrays.cast(unrounded[0], "float32")
    if spec.halves:
        return (_halved(spec, sums, arrays),)
    if output is None:
        assert spec.sums is not None
        return (arrays.dequantize(sums, spec.sums),)
    assert spec.multiplier is not None
    multiplier, axis = spec.multiplier, spec.channel_axis
    if spec.shifts is None:
        return (_rescaled(sums, multiplier, axis, output, arrays),)
    codes = rounded_twice(sums, multiplier, spec.shifts, axis, output, arrays, spec.lanes)
    return (learned(codes, output, arrays, lambda: multiplied(sums, multiplier, axis, arrays)),)


def _halved(spec: LayerSpec, sums: Array, arrays: ArrayOps) -> Array:
    """Reals: each half of the sums rounded to its own codes, the other half being 0."""
    above, below = (
        arrays.dequantize(
            _rescaled(sums, half.multiplier, spec.channel_axis, half.params, arrays), half.params
        )
        for half in spec.halves.values()
    )
    return above + below


def _rescaled(sums: Array, multiplier: Any, axis: int | None, params: QuantParams, arrays: ArrayOps) -> Array:
    codes = arrays.rescale(sums, multiplier, axis, params)
    return learned(codes, params, arrays, lambda: multiplied(sums, multiplier, axis, arrays))


def _elementwise(
    spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, weights: Weights
) -> tuple[Array, ...]:
    """Dequantize, compute natively."""
    reals = [_real(x, params, arrays) for x, params in zip(inputs, spec.inputs, strict=True)]
    return call.run(reals, weights)


def _quantize(spec: LayerSpec, unrounded: Sequence[Array], arrays: ArrayOps) -> tuple[Array, ...]:
    return tuple(
        y if params is None else quantized(y, params, arrays)
        for y, params in zip(unrounded, spec.outputs, strict=True)
    )


def _sum(
    spec: LayerSpec, _: LayerCall, inputs: Sequence[Array], __: ArrayOps, weights: Weights
) -> tuple[Array, ...]:
    """The codes that a sum adds, in the order of its operands."""
    ports = zip(spec.node.inputs, inputs, strict=True)
    given = {**{port.role: codes for port, codes in ports}, **weights}
    return tuple(given[role] for role in OPERATORS[spec.node.type].operands)


def _add(spec: LayerSpec, unrounded: Sequence[Array], arrays: ArrayOps) -> tuple[Array, ...]:
    """clip(rint(fma(a, ra, fma(b, rb, z)))) - zero_point, for codes a and b with their zero points, ra and rb being
    scales over the output's scale, and z = zero_point - fma(ra, zero_point_a, rb · zero_point_b), all in float32.

    It is the order of onnxruntime's kernel, and a processor's `fma` rounds product and sum once. In another order
    sums near a tie are rounded the other way, and a deep network turns a few of such codes into a per cent of its
    result.
    """
    (left, first), (right, second) = _in_order(spec, unrounded)
    output = spec.outputs[0]
    assert output is not None
    if not spec.is_exact:
        scales = first.scale / second.scale, np.asarray(second.scale / output.scale)
        return (arrays.rescale(left * operand(scales[0]) + right, scales[1], None, output),)
    ratios = [ratio(params, output, unrounded[0], arrays) for params in (first, second)]
    zeros = [np.float32(params.zero_point) for params in (first, second)]
    zero = np.float32(output.zero_point)
    fused = multiply_add if all(isinstance(ratio, np.generic) for ratio in ratios) else arrays.multiply_add
    offset = zero - fused(ratios[0], zeros[0], ratios[1] * operand(zeros[1]))
    inner = arrays.multiply_add(_moved(right, zeros[1]), ratios[1], offset)
    total = arrays.multiply_add(_moved(left, zeros[0]), ratios[0], inner)
    shared = QuantParams(
        np.asarray(1, np.float32), np.asarray(0, np.int32), output.format, output.granularity
    )
    codes = _moved(arrays.quantize(total, shared), -zero)
    pairs = list(zip((left, right), ratios, strict=True))
    return (learned(codes, output, arrays, lambda: sum(multiplied(x, r, None, arrays) for x, r in pairs)),)


def _in_order(spec: LayerSpec, codes: Sequence[Array]) -> Sequence[tuple[Array, QuantParams]]:
    """The codes that a sum adds, with their parameters, in the order in which the kernel takes them.

    That is the operator's, but for a first operand of which one element meets many of the second: it comes last.
    """
    roles = OPERATORS[spec.node.type].operands
    left, right = ((each, spec.operands[role]) for each, role in zip(codes, roles, strict=True))
    return (right, left) if _is_spread(left[0].shape, right[0].shape) else (left, right)


def _is_spread(shape: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether the innermost axis that `shape` and `other` have between them is broadcast in `shape`."""
    for size, beside in zip_longest(reversed(shape), reversed(other), fillvalue=1):
        if size != 1 or beside != 1:
            return bool(size == 1)
    return False


def _moved(codes: Array, zero: np.float32) -> Array:
    """Codes plus a zero point."""
    return codes + float(zero) if zero else codes


def _move(
    _: LayerSpec, call: LayerCall, inputs: Sequence[Array], __: ArrayOps, ___: Weights
) -> tuple[Array, ...]:
    """Codes go through the layer as they are."""
    return call.run(inputs)


def _keep(_: LayerSpec, codes: Sequence[Array], __: ArrayOps) -> tuple[Array, ...]:
    return tuple(codes)


def _numbers(spec: LayerSpec, like: Array, arrays: ArrayOps) -> dict[str, Array]:
    """Operands that are numbers, as arrays without axes."""
    found = numbers(spec.node).items()
    return {role: arrays.from_numpy(np.asarray(value, np.float32), like) for role, value in found}


def _real(codes: Array, params: QuantParams | None, arrays: ArrayOps) -> Array:
    return codes if params is None else arrays.dequantize(codes, params)


def _cast_all(weights: Mapping[str, Array], dtype: str, arrays: ArrayOps) -> dict[str, Array]:
    return {role: arrays.cast(array, dtype) for role, array in weights.items()}


_COMPUTE: Mapping[Arithmetic, Compute] = {
    Arithmetic.ACCUMULATE: _accumulate,
    Arithmetic.ELEMENTWISE: _elementwise,
    Arithmetic.AVERAGE: averaged,
    Arithmetic.SUM: _sum,
    Arithmetic.GATE: gated,
    Arithmetic.SLOPE: sloped,
    Arithmetic.ATTEND: attend,
    Arithmetic.MOVE: _move,
}

_ROUND: Mapping[Arithmetic, Round] = {
    Arithmetic.ACCUMULATE: _rescale,
    Arithmetic.ELEMENTWISE: _quantize,
    Arithmetic.AVERAGE: _keep,
    Arithmetic.SUM: _add,
    Arithmetic.GATE: _rescale,
    Arithmetic.SLOPE: round_slopes,
    Arithmetic.ATTEND: _rescale,
    Arithmetic.MOVE: _keep,
}

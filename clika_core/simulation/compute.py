"""One quantized layer on codes: what the runtime computes, over any backend's arrays, differentiable.

Values between quantized layers are *centred codes*: `quantize(x) - zero_point`, as float32. Zero is 0, so that
padding and empty sums need no zero point, and real = code · scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.numerics import QuantParams
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.parameters import numbers
from clika_core.targets.target import Arithmetic

BIAS_BOUND = 2.0**31 - 1

Weights: TypeAlias = Mapping[str, Array]
Compute: TypeAlias = Callable[[LayerSpec, LayerCall, Sequence[Array], ArrayOps, Weights], tuple[Array, ...]]


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
    outputs = _COMPUTE[spec.arithmetic](spec, call, inputs, arrays, given)
    if spec.clamp is None:
        return outputs
    return (arrays.clip(outputs[0], *spec.clamp), *outputs[1:])


def layer_weights(spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps) -> Weights:
    """The layer's own operands as it computes with them: codes, with the bias as an integer, or rounded reals."""
    if spec.arithmetic is Arithmetic.MOVE:
        return {}
    given = {**_numbers(spec, inputs[0], arrays), **call.weights}
    codes = {role: arrays.quantize(given[role], params) for role, params in spec.weights.items()}
    if spec.arithmetic is Arithmetic.ELEMENTWISE:
        return {role: arrays.dequantize(code, spec.weights[role]) for role, code in codes.items()}
    bias = call.weights.get("bias")
    if bias is not None and spec.bias_divisor is not None:
        codes["bias"] = arrays.round_to_codes(bias, spec.bias_divisor, BIAS_BOUND)
    return _cast_all(codes, spec.accumulate_dtype, arrays)


def _accumulate(
    spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, weights: Weights
) -> tuple[Array, ...]:
    """acc = sum of products of codes, plus the bias as an integer; one float32 multiplier; round; clip."""
    (accumulator,) = call.run([arrays.cast(x, spec.accumulate_dtype) for x in inputs], weights)
    output = spec.outputs[0]
    assert output is not None
    assert spec.multiplier is not None
    sums = arrays.cast(accumulator, "float32")
    return (arrays.rescale(sums, spec.multiplier, spec.channel_axis, output),)


def _elementwise(
    spec: LayerSpec, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps, weights: Weights
) -> tuple[Array, ...]:
    """Dequantize, compute natively, quantize."""
    reals = [_real(x, params, arrays) for x, params in zip(inputs, spec.inputs, strict=True)]
    results = call.run(reals, weights)
    return tuple(
        y if params is None else arrays.quantize(y, params)
        for y, params in zip(results, spec.outputs, strict=True)
    )


def _move(
    _: LayerSpec, call: LayerCall, inputs: Sequence[Array], __: ArrayOps, ___: Weights
) -> tuple[Array, ...]:
    """Codes go through the layer as they are."""
    return call.run(inputs)


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
    Arithmetic.MOVE: _move,
}

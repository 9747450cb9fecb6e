"""Elementwise operators, comparisons, conversions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clika_core.ir.graph import Scalar
from clika_core.ir.recording import Ref
from clika_jax.flat import Number, Operand, Shaped
from clika_jax.operators import functions
from clika_jax.operators.translation import Translation
from clika_jax.trace_facts import dtype_name
from clika_jax.translator import Call, product

_UNARY = {
    **{name: name for name in "abs ceil cos erf erfc exp exp2 expm1 floor log log1p neg round rsqrt".split()},
    **{name: name for name in "sign sin sqrt square tanh is_finite".split()},
    "logistic": "sigmoid",
    "not": "logical_not",
    "copy": "identity",
    "stop_gradient": "identity",
}
_BINARY = {
    "add": "add",
    "add_any": "add",
    "sub": "sub",
    "mul": "mul",
    "div": "div",
    "max": "maximum",
    "min": "minimum",
    "pow": "pow",
    "atan2": "atan2",
    "rem": "remainder",
    **{name: name for name in "eq ne lt le gt ge".split()},
}
_LOGICAL = {
    "and": ("logical_and", "bitwise_and"),
    "or": ("logical_or", "bitwise_or"),
    "xor": ("logical_xor",) * 2,
}
_COMMUTING = frozenset({"add", "add_any", "mul", "max", "min", "eq", "ne"})


def _unary(type_name: str) -> Translation:
    def translate(call: Call) -> Sequence[Operand]:
        operands = {"input": call.tensor(call.operands[0])}
        assert call.equation.bind is not None
        return [call.emit(type_name, call.equation.bind, operands, call.result, settings=call.params)]

    return translate


def _binary(type_name: str) -> Translation:
    """Two operands, numbers last where the order does not matter."""

    def translate(call: Call) -> Sequence[Operand]:
        first, second = call.operands
        if isinstance(first, Number) and isinstance(second, Number):
            first = call.tensor(first)
        if isinstance(first, Number) and call.equation.name in _COMMUTING:
            first, second = second, first
        if any(
            call.is_data(held) and call.shaped(held).shape == call.result.shape for held in (first, second)
        ):
            first, second = call.unrepeated(first), call.unrepeated(second)
        function = call.equation.bind
        if call.equation.name == "max" and isinstance(second, Number) and _is_zero(second):
            return [call.emit(type_name, functions.relu, {"input": first, "other": second}, call.result)]
        assert function is not None
        if type_name == "add" and call.is_parametric(second):
            second = _through_vector(call, second)
        if type_name == "add":
            biased = _biased(call, first, second) or _biased(call, second, first)
            if biased is not None:
                return [biased]
        operands = {"input": first, "other": second}
        return [call.emit(type_name, function, operands, call.result, settings=call.params)]

    return translate


def _through_vector(call: Call, bias: Operand) -> Operand:
    """A parameter that lies along one axis, by way of a vector: what a bias is in the vocabulary."""
    shape = call.shaped(bias).shape
    if len(shape) < 2 or sum(size != 1 for size in shape) != 1 or not isinstance(bias, Ref):
        return bias
    return call.reshaped(call.reshaped(bias, (product(shape),), "bias_vector"), shape, "bias_along")


def _biased(call: Call, x: Operand, bias: Operand) -> Operand | None:
    """A bias added to features that were parted into several axes (heads): added before they are parted."""
    before = call.translator.operations.get(x.record) if isinstance(x, Ref) else None
    if before is None or before.function is not functions.reshape or not call.is_parametric(bias):
        return None
    (flat,) = before.operands
    dense = call.translator.operations.get(flat.record) if isinstance(flat, Ref) else None
    if dense is None or dense.function is not functions.linear or not isinstance(flat, Ref):
        return None
    whole, parted = call.shaped(flat).shape, call.shaped(x).shape
    outer = len(whole) - 1
    features = parted[outer:]
    is_along = call.shaped(bias).shape == ((1,) * outer + features)
    if not is_along or parted[:outer] != whole[:-1] or call.result.shape != parted:
        return None
    assert isinstance(bias, Ref)
    assert isinstance(x, Ref)
    vector = call.reshaped(bias, whole[-1:], "bias")
    wide = call.reshaped(vector, (1,) * outer + whole[-1:], "bias_wide")
    shaped = Shaped(call.result.dtype, whole)
    assert call.equation.bind is not None
    operands = {"input": flat, "other": wide}
    total = call.emit("add", call.equation.bind, operands, shaped, settings=call.params, suffix="biased")
    call.translator.helpers.add(x.record)
    return call.reshaped(total, parted, "")


def _is_zero(number: Number) -> bool:
    return isinstance(number.value, int | float | np.number) and float(number.value) == 0.0


def _logical(names: tuple[str, str]) -> Translation:
    return lambda call: _binary(names[call.result.dtype != np.dtype(bool)])(call)


def _integer_pow(call: Call) -> Sequence[Operand]:
    exponent = call.params["y"]
    type_name, attributes = {2: ("square", {}), -1: ("reciprocal", {})}.get(
        exponent, ("pow", {"other": exponent})
    )
    operands = {"input": call.operands[0]}
    assert call.equation.bind is not None
    found = call.emit(
        type_name, call.equation.bind, operands, call.result, settings=call.params, attributes=attributes
    )
    return [found]


def _convert(call: Call) -> Sequence[Operand]:
    attributes: dict[str, Scalar] = {"dtype": dtype_name(call.result.dtype)}
    operands = {"input": call.tensor(call.operands[0])}
    assert call.equation.bind is not None
    return [
        call.emit(
            "cast", call.equation.bind, operands, call.result, settings=call.params, attributes=attributes
        )
    ]


def _clamp(call: Call) -> Sequence[Operand]:
    low, x, high = call.operands
    operands: dict[str, Any] = {"input": x, "min": low, "max": high}
    return [call.emit("clamp", functions.clamp, operands, call.result)]


def _select(call: Call) -> Sequence[Operand]:
    condition, *cases = call.operands
    if len(cases) != 2 or call.shaped(condition).dtype != np.dtype(bool):
        from clika_jax.translator import verbatim

        return verbatim(call)
    other, x = cases
    operands: dict[str, Operand | None] = {"condition": condition, "input": x, "other": other}
    if any(call.is_data(held) and call.shaped(held).shape == call.result.shape for held in call.operands):
        operands = {
            "condition": call.unrepeated(condition),
            "input": call.unrepeated(x),
            "other": call.unrepeated(other),
        }
    return [call.emit("where", functions.where, operands, call.result)]


TRANSLATIONS = {
    **{name: _unary(type_name) for name, type_name in _UNARY.items()},
    **{name: _binary(type_name) for name, type_name in _BINARY.items()},
    **{name: _logical(names) for name, names in _LOGICAL.items()},
    "integer_pow": _integer_pow,
    "convert_element_type": _convert,
    "clamp": _clamp,
    "select_n": _select,
}

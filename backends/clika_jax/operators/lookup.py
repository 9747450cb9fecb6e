"""Look-ups: one index along one axis is a `gather`, of rows of a parameter an `embedding`.

`jnp` first counts negative indices from the end (three operations on integers): that is part of the look-up here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.lax import GatherDimensionNumbers

from clika_core.ir.recording import Ref
from clika_jax.flat import Number, Operand, Shaped
from clika_jax.operation import Operation
from clika_jax.operators import functions
from clika_jax.translator import Call, verbatim


def _gather(call: Call) -> Sequence[Operand]:
    axis = _axis(call)
    if axis is None:
        return _row(call) or verbatim(call)
    x, indices = call.tensor(call.operands[0]), _indices(call, call.tensor(call.operands[1]), axis)
    settings = {
        name: call.params[name] for name in ("dimension_numbers", "slice_sizes", "mode", "fill_value")
    }
    if call.is_parametric(x) and axis == 0 and len(call.shape()) == 2:
        operands: dict[str, Operand | None] = {"indices": indices, "weight": x}
        return [call.emit("embedding", functions.embedding, operands, call.result, settings=settings)]
    operands = {"input": x, "indices": indices}
    settings = {**settings, "axis": axis}
    attributes = {"axis": axis}
    return [
        call.emit("gather", functions.gather, operands, call.result, settings=settings, attributes=attributes)
    ]


def _row(call: Call) -> Sequence[Operand] | None:
    """An embedding that is a slice from (index, 0, ...) on: what `table[index]` becomes mapped over a batch.

    None for any other gather.
    """
    numbers, shape, table = call.params["dimension_numbers"], call.shape(), call.operands[0]
    count = len(call.shape(1)) - 1
    is_whole = tuple(call.params["slice_sizes"]) == (1, *shape[1:]) and not numbers.operand_batching_dims
    is_kept = not numbers.collapsed_slice_dims and numbers.offset_dims == tuple(
        range(count, count + len(shape))
    )
    given = call.operands[1]
    if not is_whole or not is_kept or not isinstance(given, Ref) or not call.is_parametric(table):
        return None
    joined = call.translator.equations.get(given.record)
    if joined is None or joined.name != "concatenate" or numbers.start_index_map != (*range(len(shape)),):
        return None
    first = call.translator.resolve(joined.operands[0])
    if not isinstance(first, Ref) or not all(_is(held, 0) for held in joined.operands[1:]):
        return None
    indices = _indices(call, first, 0)
    call.translator.helpers.add(given.record)
    settings = {
        "dimension_numbers": GatherDimensionNumbers((count,), (0,), (0,)),
        **{name: call.params[name] for name in ("slice_sizes", "mode", "fill_value")},
    }
    rows = Shaped(call.result.dtype, (*call.shaped(indices).shape, *shape[1:]))
    operands: dict[str, Operand | None] = {"indices": indices, "weight": call.tensor(table)}
    found = call.emit("embedding", functions.embedding, operands, rows, settings=settings, suffix="row")
    return [call.reshaped(found, call.result.shape, "")]


def _axis(call: Call) -> int | None:
    """The axis of which whole entries are taken, one for each index; None for any other gather."""
    numbers, shape = call.params["dimension_numbers"], call.shape()
    sizes = tuple(call.params["slice_sizes"])
    index_shape = call.shape(1)
    if numbers.operand_batching_dims or len(numbers.start_index_map) != 1 or index_shape[-1] != 1:
        return None
    (axis,) = numbers.start_index_map
    if tuple(numbers.collapsed_slice_dims) != (axis,):
        return None
    whole = tuple(1 if place == axis else size for place, size in enumerate(shape))
    count = len(index_shape) - 1
    after = tuple(range(axis)) + tuple(range(axis + count, len(shape) - 1 + count))
    return axis if sizes == whole and tuple(numbers.offset_dims) == after else None


def _indices(call: Call, given: Ref, axis: int) -> Operand:
    """The indices as the model gives them: without their last axis of one element, negative ones as they are."""
    raised = call.translator.operations.get(given.record)
    shape = call.shaped(given).shape[:-1]
    if raised is None or raised.function is not functions.reshape or not isinstance(raised.operands[0], Ref):
        return call.reshaped(given, shape, "indices")
    inner = raised.operands[0]
    if call.shaped(inner).shape != shape:
        return call.reshaped(given, shape, "indices")
    call.translator.helpers.add(given.record)
    return _uncounted(call, inner, call.shape()[axis])


def _uncounted(call: Call, ref: Ref, size: Any) -> Ref:
    """`i` where the value is `where(i < 0, i + size, i)`."""
    chosen = call.translator.operations.get(ref.record)
    if chosen is None or chosen.function is not functions.where:
        return ref
    condition, counted, origin = chosen.operands
    below, total = (_operation(call, held) for held in (condition, counted))
    if below is None or total is None or not isinstance(origin, Ref):
        return ref
    is_negative = _name(call, condition) == "lt" and below.operands[0] == origin and _is(below.operands[1], 0)
    is_counted = (
        _name(call, counted) == "add" and total.operands[0] == origin and _is(total.operands[1], size)
    )
    if not (is_negative and is_counted):
        return ref
    call.translator.helpers.update((chosen.id, below.id, total.id))
    return origin


def _operation(call: Call, operand: Operand | None) -> Operation | None:
    return call.translator.operations.get(operand.record) if isinstance(operand, Ref) else None


def _name(call: Call, operand: Operand | None) -> str | None:
    """The primitive that computes a value."""
    equation = call.translator.equations.get(operand.record) if isinstance(operand, Ref) else None
    return None if equation is None else equation.name


def _is(operand: Operand | None, value: Any) -> bool:
    return isinstance(operand, Number) and bool(operand.value == value)


TRANSLATIONS = {"gather": _gather}

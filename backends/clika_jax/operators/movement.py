"""Operators that move, select or make values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clika_core.ir.recording import Ref
from clika_jax.flat import Operand, Shaped
from clika_jax.operators import functions
from clika_jax.translator import Call, verbatim


def _reshape(call: Call) -> Sequence[Operand]:
    if call.params.get("dimensions") is not None:
        return verbatim(call)
    return [call.reshaped(call.tensor(call.operands[0]), call.result.shape, "")]


def _squeeze(call: Call) -> Sequence[Operand]:
    attributes = {"axes": tuple(call.params["dimensions"])}
    return [call.formed(call.tensor(call.operands[0]), call.result.shape, "", "squeeze", attributes)]


def _transpose(call: Call) -> Sequence[Operand]:
    return [call.permuted(call.tensor(call.operands[0]), call.params["permutation"], "")]


def _broadcast(call: Call) -> Sequence[Operand]:
    """New axes of one element, then repetition: an `unsqueeze`, an `expand`, or both."""
    x = call.tensor(call.operands[0])
    given, wanted = call.shape(), call.result.shape
    axes = tuple(call.params["broadcast_dimensions"])
    new = tuple(axis for axis in range(len(wanted)) if axis not in axes)
    aligned: list[Any] = [1] * len(wanted)
    for axis, size in zip(axes, given, strict=True):
        aligned[axis] = size
    grows = tuple(aligned) != tuple(wanted)
    if (new and not _is_trailing(axes, len(wanted))) or not grows:
        x = call.formed(x, aligned, "aligned" if grows else "", "unsqueeze", {"axes": new})
        axes = tuple(range(len(wanted)))
    if not grows:
        return [x]
    settings = {"shape": tuple(wanted), "axes": axes}
    attributes = {"shape": tuple(wanted)}
    return [
        call.emit(
            "expand", functions.expand, {"input": x}, call.result, settings=settings, attributes=attributes
        )
    ]


def _is_trailing(axes: Sequence[int], rank: int) -> bool:
    return tuple(axes) == tuple(range(rank - len(axes), rank))


def _concatenate(call: Call) -> Sequence[Operand]:
    axis = call.params["dimension"]
    operands: dict[str, Operand | None] = {
        f"inputs.{i}": call.tensor(held, f"full_{i}") for i, held in enumerate(call.operands)
    }
    settings = {"axis": axis}
    return [
        call.emit("concat", functions.concat, operands, call.result, settings=settings, attributes=settings)
    ]


def _scan_part(call: Call) -> Sequence[Operand]:
    settings = {"index": call.params["index"], "axis": 0}
    operands = {"input": call.tensor(call.operands[0])}
    return [
        call.emit("select", functions.select, operands, call.result, settings=settings, attributes=settings)
    ]


def _scan_stack(call: Call) -> Sequence[Operand]:
    operands: dict[str, Operand | None] = {
        f"inputs.{i}": call.tensor(held, f"full_{i}") for i, held in enumerate(call.operands)
    }
    settings = {"axis": 0}
    return [
        call.emit("stack", functions.stack, operands, call.result, settings=settings, attributes=settings)
    ]


def _slice(call: Call) -> Sequence[Operand]:
    """One `slice` for every axis of which a part is taken."""
    x = call.tensor(call.operands[0])
    starts, limits = call.params["start_indices"], call.params["limit_indices"]
    strides = call.params["strides"] or (1,) * len(starts)
    return [sliced(call, x, starts, limits, strides)]


def sliced(call: Call, x: Ref, starts: Sequence[Any], limits: Sequence[Any], strides: Sequence[int]) -> Ref:
    """`x` cut on every axis of which less than all is taken."""
    shape = list(call.shaped(x).shape)
    cut = [
        axis
        for axis, bounds in enumerate(zip(starts, limits, strides, strict=True))
        if bounds != (0, shape[axis], 1)
    ]
    for axis in cut:
        shape[axis] = call.result.shape[axis]
        is_last = axis == cut[-1]
        settings = {"axis": axis, "start": starts[axis], "end": limits[axis], "step": strides[axis]}
        x = call.emit(
            "slice",
            functions.slice_axis,
            {"input": x},
            Shaped(call.result.dtype, tuple(shape)),
            settings=settings,
            attributes=settings,
            suffix="" if is_last else f"axis_{axis}",
        )
    return x


def _pad(call: Call) -> Sequence[Operand]:
    pads = call.params["padding_config"]
    if any(inside or before < 0 or after < 0 for before, after, inside in pads):
        return verbatim(call)
    x, value = call.operands
    around = tuple((before, after) for before, after, _ in pads)
    if isinstance(value, Ref):
        return verbatim(call)
    settings = {"pads": around}
    attributes = {"pads": around, "mode": "constant", "value": value.value}
    operands: dict[str, Operand | None] = {"input": call.tensor(x), "value": value}
    return [call.emit("pad", functions.pad, operands, call.result, settings=settings, attributes=attributes)]


def _flip(call: Call) -> Sequence[Operand]:
    attributes = {"axes": tuple(sorted(call.params["dimensions"]))}
    operands = {"input": call.tensor(call.operands[0])}
    assert call.equation.bind is not None
    return [
        call.emit(
            "flip", call.equation.bind, operands, call.result, settings=call.params, attributes=attributes
        )
    ]


def _split(call: Call) -> Sequence[Operand]:
    sizes = tuple(call.params["sizes"])
    attributes = {"axis": call.params["axis"], "sizes": sizes}
    operands = {"input": call.tensor(call.operands[0])}
    assert call.equation.bind is not None
    ref = call.emit(
        "split",
        call.equation.bind,
        operands,
        call.equation.outputs,
        settings=call.params,
        attributes=attributes,
    )
    return [Ref(ref.record, port) for port in range(len(sizes))]


def _iota(call: Call) -> Sequence[Operand]:
    assert call.equation.bind is not None
    attributes = {"shape": call.result.shape, "axis": call.params["dimension"]}
    return [
        call.emit("arange", call.equation.bind, {}, call.result, settings=call.params, attributes=attributes)
    ]


TRANSLATIONS = {
    "reshape": _reshape,
    "squeeze": _squeeze,
    "transpose": _transpose,
    "broadcast_in_dim": _broadcast,
    "concatenate": _concatenate,
    "scan_part": _scan_part,
    "scan_stack": _scan_stack,
    "slice": _slice,
    "pad": _pad,
    "rev": _flip,
    "split": _split,
    "iota": _iota,
}

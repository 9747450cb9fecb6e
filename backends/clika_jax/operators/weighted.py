"""Products and convolutions, brought into the vocabulary's form: weights are [out, in, ...].

A weight's movement is an operation on a parameter: the core folds it into the layer's weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clika_core.ir.recording import Ref
from clika_jax.flat import Operand, Shaped
from clika_jax.operators import functions
from clika_jax.translator import Call, product, verbatim


def _dot_general(call: Call) -> Sequence[Operand]:
    left, right = call.operands
    (left_summed, right_summed), (left_shared, right_shared) = call.params["dimension_numbers"]
    if not left_shared and call.is_data(left) and call.is_parametric(right):
        return [_dense(call, left, left_summed, right, right_summed, is_swapped=False)]
    if not left_shared and call.is_parametric(left) and call.is_data(right):
        return [_dense(call, right, right_summed, left, left_summed, is_swapped=True)]
    return [
        _product(call, (tuple(left_summed), tuple(right_summed)), (tuple(left_shared), tuple(right_shared)))
    ]


def _settings(call: Call) -> dict[str, Any]:
    return {name: call.params[name] for name in ("precision", "preferred_element_type")}


def _dense(
    call: Call,
    x: Operand,
    summed: Sequence[int],
    weight: Operand,
    weight_summed: Sequence[int],
    *,
    is_swapped: bool,
) -> Operand:
    """x [..., in] times a parameter, brought to [out, in]; the result in the order the equation has it."""
    held, shape = call.shaped(weight), call.shaped(x).shape
    x_free = [axis for axis in range(len(shape)) if axis not in summed]
    free = [axis for axis in range(len(held.shape)) if axis not in weight_summed]
    features = [held.shape[axis] for axis in free]
    inner = product([held.shape[axis] for axis in weight_summed])
    outer = tuple(shape[axis] for axis in x_free)
    moved = call.tensor(call.permuted(x, [*x_free, *summed], "input"))
    flat = call.reshaped(moved, (*outer, inner), "input_flat")
    turned = call.tensor(call.permuted(weight, [*free, *weight_summed], "weight"))
    matrix = call.reshaped(turned, (product(features), inner), "weight_flat")
    is_last = len(features) == 1 and not is_swapped
    shaped = Shaped(call.result.dtype, (*outer, product(features)))
    operands = {"input": flat, "weight": matrix, "bias": None}
    found = call.emit(
        "linear",
        functions.linear,
        operands,
        shaped,
        settings=_settings(call),
        suffix="" if is_last else "linear",
    )
    if len(features) != 1:
        found = call.reshaped(found, (*outer, *features), "" if not is_swapped else "output")
    if not is_swapped:
        return found
    rank, count = len(outer) + len(features), len(outer)
    return call.permuted(found, [*range(count, rank), *range(count)], "")


@dataclass(frozen=True)
class _Side:
    """One operand of a general product: which of its axes are shared, free, summed."""

    operand: Ref
    sizes: tuple[Any, ...]
    shared: tuple[int, ...]
    summed: tuple[int, ...]

    @property
    def free(self) -> tuple[int, ...]:
        return tuple(axis for axis in range(len(self.sizes)) if axis not in self.shared + self.summed)

    def count(self, axes: Sequence[int]) -> Any:
        return product([self.sizes[axis] for axis in axes])

    def is_ordered(self, *groups: Sequence[int]) -> bool:
        return [axis for group in groups for axis in group] == list(range(len(self.sizes)))


def _product(
    call: Call,
    summed: tuple[tuple[int, ...], tuple[int, ...]],
    shared: tuple[tuple[int, ...], tuple[int, ...]],
) -> Operand:
    """[..., M, K] times [..., K, N], with axes of the same kind joined before and parted after.

    The operand whose rows lie as they are needed comes first: probabilities before values in attention.
    """
    operands = [call.tensor(held, f"full_{i}") for i, held in enumerate(call.operands)]
    left, right = (
        _Side(held, call.shaped(held).shape, own, inner)
        for held, own, inner in zip(operands, shared, summed, strict=True)
    )
    is_swapped = right.is_ordered(right.shared, right.free, right.summed) and not (
        left.is_ordered(left.shared, left.free, left.summed)
        or right.is_ordered(right.shared, right.summed, right.free)
    )
    first, second = (right, left) if is_swapped else (left, right)
    batch = [first.sizes[axis] for axis in first.shared]
    shaped = Shaped(call.result.dtype, (*batch, first.count(first.free), second.count(second.free)))
    parted = [*batch, *(first.sizes[a] for a in first.free), *(second.sizes[a] for a in second.free)]
    is_last = shaped.shape == call.result.shape and not is_swapped
    found: Operand = call.emit(
        "matmul",
        functions.matmul,
        {"input": _rows(call, first), "other": _columns(call, second)},
        shaped,
        settings=_settings(call),
        suffix="" if is_last else "matmul",
    )
    found = call.reshaped(call.tensor(found), parted, "parted" if is_swapped else "")
    if not is_swapped:
        return found
    start, rows = len(batch), len(first.free)
    order = [*range(start), *range(start + rows, len(parted)), *range(start, start + rows)]
    return call.permuted(found, order, "")


def _rows(call: Call, side: _Side) -> Ref:
    """[..., M, K]."""
    order = [*side.shared, *side.free, *side.summed]
    moved = call.tensor(call.permuted(side.operand, order, "input"))
    batch = (side.sizes[axis] for axis in side.shared)
    return call.reshaped(moved, (*batch, side.count(side.free), side.count(side.summed)), "input_flat")


def _columns(call: Call, side: _Side) -> Ref:
    """[..., K, N]; where the summed axes are the last, as of keys in attention, turned in a step of its own."""
    batch = [side.sizes[axis] for axis in side.shared]
    rows, columns = side.count(side.summed), side.count(side.free)
    if not side.summed or side.summed[-1] != len(side.sizes) - 1:
        order = [*side.shared, *side.summed, *side.free]
        moved = call.tensor(call.permuted(side.operand, order, "other"))
        return call.reshaped(moved, (*batch, rows, columns), "other_flat")
    moved = call.tensor(call.permuted(side.operand, [*side.shared, *side.free, *side.summed], "other"))
    flat = call.reshaped(moved, (*batch, columns, rows), "other_flat")
    turned = [*range(len(batch)), len(batch) + 1, len(batch)]
    return call.tensor(call.permuted(flat, turned, "other_turned"))


def _conv(call: Call) -> Sequence[Operand]:
    params = call.params
    layout = params["dimension_numbers"]
    if params["batch_group_count"] != 1:
        return verbatim(call)
    is_transposed = any(step != 1 for step in params["lhs_dilation"])
    rank = len(layout.lhs_spec)
    channels = layout.lhs_spec[1]
    values = (0, channels, *(axis for axis in range(1, rank) if axis != channels))
    is_plain = layout.lhs_spec == layout.out_spec == values
    if not is_plain:
        channels = 1
    x: Operand = call.operands[0] if is_plain else call.permuted(call.operands[0], layout.lhs_spec, "input")
    if is_transposed:
        ref = _transposed(call, x, channels)
        if ref is None:
            return verbatim(call)
    else:
        ref = _plain(call, x, channels, _weight(call), is_plain)
    if is_plain:
        return [ref]
    order = [layout.out_spec.index(axis) for axis in range(rank)]
    return [call.permuted(ref, order, "")]


def _weight(call: Call) -> Ref:
    """[out, in / groups, *kernel]."""
    spec = call.params["dimension_numbers"].rhs_spec
    return call.tensor(call.permuted(call.tensor(call.operands[1], "weight_full"), spec, "weight"))


def _computed(call: Call, is_plain: bool) -> Shaped:
    """The result before it is brought into the equation's own order."""
    if is_plain:
        return call.result
    spec = call.params["dimension_numbers"].out_spec
    return Shaped(call.result.dtype, tuple(call.result.shape[axis] for axis in spec))


def _plain(call: Call, x: Operand, channels: int, weight: Ref, is_plain: bool) -> Ref:
    params = call.params
    settings = {
        "window_strides": tuple(params["window_strides"]),
        "padding": tuple(map(tuple, params["padding"])),
        "rhs_dilation": tuple(params["rhs_dilation"]),
        "feature_group_count": params["feature_group_count"],
        "channel_axis": channels,
        **_settings(call),
    }
    attributes = {
        "kernel_size": tuple(call.shaped(weight).shape[2:]),
        "strides": settings["window_strides"],
        "padding": settings["padding"],
        "dilations": settings["rhs_dilation"],
        "groups": params["feature_group_count"],
    }
    if channels != 1:
        attributes["channel_axis"] = channels
    return call.emit(
        "conv",
        functions.conv,
        {"input": call.tensor(x), "weight": weight, "bias": None},
        _computed(call, is_plain),
        settings=settings,
        attributes=attributes,
        suffix="" if is_plain else "conv",
    )


def _transposed(call: Call, x: Operand, channels: int) -> Ref | None:
    """A convolution over an input with gaps; None where it is no transposed convolution of the usual kind."""
    params = call.params
    layout = params["dimension_numbers"]
    if params["feature_group_count"] != 1 or any(step != 1 for step in params["window_strides"]):
        return None
    spec = layout.rhs_spec
    held = call.tensor(call.operands[1], "weight_full")
    weight = call.tensor(call.permuted(held, (spec[1], spec[0], *spec[2:]), "weight"))
    shape = call.shaped(weight).shape
    turned = _flipped(call, weight)
    kernel, dilations = shape[2:], tuple(params["rhs_dilation"])
    reach = [step * (width - 1) for width, step in zip(kernel, dilations, strict=True)]
    given = list(zip(reach, params["padding"], strict=True))
    if any(before > full for full, (before, _) in given):
        return None
    settings = {
        "window_strides": tuple(params["window_strides"]),
        "padding": tuple(map(tuple, params["padding"])),
        "lhs_dilation": tuple(params["lhs_dilation"]),
        "rhs_dilation": dilations,
        "channel_axis": channels,
        **_settings(call),
    }
    attributes = {
        "kernel_size": tuple(kernel),
        "strides": tuple(params["lhs_dilation"]),
        "padding": tuple((full - before, max(full - after, 0)) for full, (before, after) in given),
        "output_padding": tuple(max(after - full, 0) for full, (_, after) in given),
        "dilations": dilations,
        "groups": 1,
        "weight_output_axis": 1,
    }
    if channels != 1:
        attributes["channel_axis"] = channels
    is_plain = layout.lhs_spec == layout.out_spec and channels == layout.lhs_spec[1]
    return call.emit(
        "conv_transpose",
        functions.conv_transpose,
        {"input": call.tensor(x), "weight": turned, "bias": None},
        _computed(call, is_plain),
        settings=settings,
        attributes=attributes,
        suffix="" if is_plain else "conv",
    )


def _flipped(call: Call, weight: Ref) -> Ref:
    """The kernel turned round: a transposed convolution's weight is not."""
    shaped = call.shaped(weight)
    axes = tuple(range(2, len(shaped.shape)))
    settings = {"dimensions": axes}
    from jax import lax

    return call.emit(
        "flip",
        lax.rev,
        {"input": weight},
        shaped,
        settings=settings,
        attributes={"axes": axes},
        suffix="weight_flipped",
    )


TRANSLATIONS = {"dot_general": _dot_general, "conv_general_dilated": _conv}

"""Operators that move or select values, and those that do nothing in inference."""

from __future__ import annotations

import sys
from collections.abc import Callable

from clika_core.ir.graph import AttributeValue
from clika_torch.operators.mapping import Attributes, Call, Mapping, normalise, roles, size


def _result_shape(call: Call) -> Attributes:
    return {"shape": call.result_shape}


def _filled_type(call: Call) -> str | None:
    """Values written over a whole tensor: as they are, or repeated; None where they change dtype as well."""
    values = "src" if "src" in call.arguments else "value"
    if not call.is_tensor(values) or call.tensor(values).dtype != call.result.dtype:
        return None
    return "identity" if call.tensor(values).shape == call.result.shape else "expand"


def _filled(call: Call) -> Attributes:
    return _result_shape(call) if _filled_type(call) == "expand" else {}


def _flatten(call: Call) -> Attributes:
    return {"start_axis": call.axis("start_dim"), "end_axis": call.axis("end_dim")}


def _permutation(call: Call) -> Attributes:
    rank = call.tensor("self").dim()
    return {"axes": tuple(normalise(axis, rank) for axis in call["dims"])}


def _swapped(first: str, second: str) -> Callable[[Call], Attributes]:
    """A permutation that swaps the two axes that are named, or numbered, by the arguments."""

    def attributes(call: Call) -> Attributes:
        axes = list(range(call.tensor("self").dim()))
        a, b = call.axis(first), call.axis(second)
        axes[a], axes[b] = axes[b], axes[a]
        return {"axes": tuple(axes)}

    return attributes


def _last_swapped(call: Call) -> Attributes:
    """The permutation of `t` and `mT`: the last two axes; a vector stays."""
    rank = call.tensor("self").dim()
    return {"axes": (*range(rank - 2), *range(rank - 1, max(rank - 3, -1), -1))}


def _reversed(call: Call) -> Attributes:
    return {"axes": tuple(reversed(range(call.tensor("self").dim())))}


def _moved(call: Call) -> Attributes:
    rank = call.tensor("self").dim()
    source, target = (
        [normalise(axis, rank) for axis in (given if isinstance(given, tuple) else (given,))]
        for given in (call["source"], call["destination"])
    )
    axes = [axis for axis in range(rank) if axis not in source]
    for place, axis in sorted(zip(target, source, strict=True)):
        axes.insert(place, axis)
    return {"axes": tuple(axes)}


def _squeezed(call: Call) -> Attributes:
    """The axes of size one that go."""
    shape = call.shape("self")
    axes = call.axes("dim") if "dim" in call.arguments else range(len(shape))
    return {"axes": tuple(axis for axis in axes if shape and shape[axis] == 1)}


def _slice(call: Call) -> Attributes:
    axis = call.axis("dim")
    full = call.shape("self")[axis]
    start, end = _bound(call["start"], full), _bound(call["end"], full)
    if end is None and isinstance(full, int):
        end = full
    return {"axis": axis, "start": start or 0, "end": end, "step": call["step"]}


def _bound(value: AttributeValue, full: AttributeValue) -> AttributeValue:
    """A bound counted from the front and inside the axis, where the axis has a known size; None for its end."""
    if value == sys.maxsize:
        return None
    if isinstance(value, int) and isinstance(full, int):
        return min(max(value + full if value < 0 else value, 0), full)
    return value


def _narrow(call: Call) -> Attributes:
    start, length = call["start"], call["length"]
    end = start + length if isinstance(start, int) and isinstance(length, int) else None
    return {"axis": call.axis("dim"), "start": start, "end": end, "step": 1}


def _select(call: Call) -> Attributes:
    axis, index = call.axis("dim"), call["index"]
    full = call.shape("self")[axis]
    return {
        "axis": axis,
        "index": index % full if isinstance(full, int) and isinstance(index, int) else index,
    }


def _split(call: Call) -> Attributes:
    axis = call.axis("dim")
    return {"axis": axis, "sizes": tuple(size(part.shape[axis]) for part in call.node.meta["val"])}


def _pads(call: Call) -> tuple[AttributeValue, ...]:
    """(before, after) for every axis; torch lists them from the last axis to the first."""
    flat = call["pad" if "pad" in call.arguments else "padding"]
    rank = call.tensor("self").dim()
    given = [(flat[i], flat[i + 1]) for i in range(0, len(flat), 2)]
    return (*((0, 0) for _ in range(rank - len(given))), *reversed(given))


def _pad(mode: str | None) -> Callable[[Call], Attributes]:
    """Padding of a fixed mode, or (None) of the mode that the call names."""

    def attributes(call: Call) -> Attributes:
        found: Attributes = {"pads": _pads(call), "mode": mode or call["mode"]}
        if found["mode"] == "constant":
            found["value"] = call.arguments.get("value") or 0
        return found

    return attributes


def _unfold(call: Call) -> Attributes:
    return {
        "kernel_size": call.numbers("kernel_size", 2),
        "strides": call.numbers("stride", 2),
        "padding": tuple((pad, pad) for pad in call.numbers("padding", 2)),
        "dilations": call.numbers("dilation", 2),
    }


def _dropout_type(call: Call) -> str | None:
    """A dropout that is on although the model is not training is noise: no word fits."""
    return None if call["train"] else "dropout"


_RESHAPES = "view reshape _unsafe_view unflatten view_as reshape_as".split()
_IDENTITIES = "alias clone contiguous detach lift_fresh lift_fresh_copy positive".split()
_SPLITS = "split split_with_sizes chunk tensor_split".split()
_EXTREMES = {"amax": "reduce_max", "max": "reduce_max", "amin": "reduce_min", "min": "reduce_min"}
_DROPOUTS = "dropout feature_dropout alpha_dropout feature_alpha_dropout".split()


def _extreme(call: Call) -> Attributes:
    axes = call.axes("dim") if "dim" in call.arguments else tuple(range(call.tensor("self").dim()))
    return {"axes": axes, "keep_dims": bool(call.arguments.get("keepdim", False))}


NATIVE = {
    **{f"aten.{name}": Mapping("identity") for name in _IDENTITIES},
    **{
        f"aten.{name}": Mapping("reshape", attributes=_result_shape, shape_only=("other",))
        for name in _RESHAPES
    },
    "aten.flatten": Mapping("flatten", attributes=_flatten),
    "aten.permute": Mapping("permute", attributes=_permutation),
    "aten.transpose": Mapping("permute", attributes=_swapped("dim0", "dim1")),
    "aten.swapaxes": Mapping("permute", attributes=_swapped("axis0", "axis1")),
    "aten.swapdims": Mapping("permute", attributes=_swapped("dim0", "dim1")),
    "aten.t": Mapping("permute", attributes=_last_swapped),
    "aten.mT": Mapping("permute", attributes=_last_swapped),
    "aten.numpy_T": Mapping("permute", attributes=_reversed),
    "aten.movedim": Mapping("permute", attributes=_moved),
    "aten.squeeze": Mapping("squeeze", attributes=_squeezed),
    "aten.unsqueeze": Mapping("unsqueeze", attributes=lambda call: {"axes": (call.axis("dim", extra=1),)}),
    "aten.copy": Mapping(_filled_type, roles("input=src"), _filled, shape_only=("self",)),
    "aten.fill.Tensor": Mapping(_filled_type, roles("input=value"), _filled, shape_only=("self",)),
    "aten.expand": Mapping("expand", attributes=_result_shape),
    "aten.expand_as": Mapping("expand", attributes=_result_shape, shape_only=("other",)),
    "aten.broadcast_to": Mapping("expand", attributes=_result_shape),
    "aten.repeat": Mapping("repeat", attributes=lambda call: {"repeats": call["repeats"]}),
    "aten.tile": Mapping("repeat", attributes=lambda call: {"repeats": call["dims"]}),
    "aten.slice": Mapping("slice", attributes=_slice),
    "aten.narrow": Mapping("slice", attributes=_narrow),
    "aten.select": Mapping("select", attributes=_select),
    **{f"aten.{name}": Mapping("split", attributes=_split) for name in _SPLITS},
    "aten.unbind": Mapping("unbind", attributes=lambda call: {"axis": call.axis("dim")}),
    "aten.flip": Mapping("flip", attributes=lambda call: {"axes": call.axes("dims")}),
    "aten.roll": Mapping("roll", attributes=lambda call: {"axes": call["dims"], "shifts": call["shifts"]}),
    "aten.pad": Mapping("pad", attributes=_pad(None)),
    "aten.constant_pad_nd": Mapping("pad", attributes=_pad("constant")),
    **{f"aten.reflection_pad{n}d": Mapping("pad", attributes=_pad("reflect")) for n in (1, 2, 3)},
    **{f"aten.replication_pad{n}d": Mapping("pad", attributes=_pad("replicate")) for n in (1, 2, 3)},
    "aten.im2col": Mapping("unfold", attributes=_unfold),
    "aten.pixel_shuffle": Mapping(
        "pixel_shuffle", attributes=lambda call: {"factor": call["upscale_factor"]}
    ),
    "aten.pixel_unshuffle": Mapping(
        "pixel_unshuffle", attributes=lambda call: {"factor": call["downscale_factor"]}
    ),
    "aten.channel_shuffle": Mapping("channel_shuffle", attributes=lambda call: {"groups": call["groups"]}),
    "aten.cat": Mapping(
        "concat", roles("inputs*=tensors"), lambda call: {"axis": normalise(call["dim"], call.result.dim())}
    ),
    "aten.concat": Mapping(
        "concat", roles("inputs*=tensors"), lambda call: {"axis": normalise(call["dim"], call.result.dim())}
    ),
    "aten.stack": Mapping(
        "stack", roles("inputs*=tensors"), lambda call: {"axis": normalise(call["dim"], call.result.dim())}
    ),
    "aten.index_select": Mapping(
        "gather", roles("input=self indices=index"), lambda call: {"axis": call.axis("dim")}
    ),
    "aten.index": Mapping("index", roles("input=self indices*=indices")),
    "aten.where": Mapping("where", roles("condition input=self other")),
    **{f"aten.{native}": Mapping(neutral, attributes=_extreme) for native, neutral in _EXTREMES.items()},
    "aten.topk": Mapping("top_k", attributes=lambda call: {"k": call["k"], "axis": call.axis("dim")}),
    "aten.sort": Mapping(
        "sort", attributes=lambda call: {"axis": call.axis("dim"), "descending": call["descending"]}
    ),
    **{
        f"aten.{name}": Mapping(_dropout_type, roles("input"), lambda call: {"rate": call["p"]})
        for name in _DROPOUTS
    },
}

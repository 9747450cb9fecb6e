"""Operators that move values, and those that do nothing in inference."""

from __future__ import annotations

from collections.abc import Callable

from clika_core.ir.graph import AttributeValue
from clika_torch.operators.mapping import Attributes, Call, Mapping, normalise, roles


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
_DROPOUTS = "dropout feature_dropout alpha_dropout feature_alpha_dropout".split()


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
    **{
        f"aten.{name}": Mapping(_dropout_type, roles("input"), lambda call: {"rate": call["p"]})
        for name in _DROPOUTS
    },
}

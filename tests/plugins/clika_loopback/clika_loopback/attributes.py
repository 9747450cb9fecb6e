"""From attributes as a model writes them to those of the vocabulary: complete, axes counted from the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from clika_core.ir.graph import AttributeValue, Value
from clika_loopback.kernels.pooling import pool_window
from clika_loopback.kernels.weighted import conv_window


@dataclass(frozen=True, slots=True)
class Seen:
    """The values an operation read, by role, and those it gave."""

    operands: Mapping[str, Value]
    outputs: tuple[Value, ...]

    @property
    def rank(self) -> int:
        """Axes of the first operand."""
        return len(next(iter(self.operands.values())).shape)


Written: TypeAlias = Mapping[str, Any]
Rule: TypeAlias = Callable[[Written, Seen], Mapping[str, AttributeValue]]


def neutral_attributes(type_name: str, written: Written, seen: Seen) -> dict[str, AttributeValue]:
    """The attributes of one operation; those without a rule are taken over."""
    rule = _RULES.get(type_name)
    found = {**written, **(rule(written, seen) if rule else {})}
    return {name: _frozen(value) for name, value in found.items()}


def _frozen(value: Any) -> AttributeValue:
    return tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value


def _conv(written: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    window = conv_window(written, seen.operands["weight"].example_shape)
    return {**window.attributes(), "groups": written.get("groups", 1)}


def _conv_transpose(written: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    zeros = (0,) * (seen.rank - 2)
    more = {"output_padding": written.get("output_padding", zeros), "weight_output_axis": 1}
    return {**_conv(written, seen), **more}


def _pool(written: Written, _: Seen) -> Mapping[str, AttributeValue]:
    return {**pool_window(written).attributes(), "ceil_mode": written.get("ceil_mode", False)}


def _avg_pool(written: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    return {**_pool(written, seen), "count_include_pad": written.get("count_include_pad", True)}


def _axis(default: int) -> Rule:
    return lambda written, seen: {"axis": written.get("axis", default) % seen.rank}


def _all_axes(written: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    axes = written.get("axes", range(seen.rank))
    keep = {"keep_dims": written.get("keep_dims", False)}
    return {"axes": tuple(axis % seen.rank for axis in axes), **keep}


def _norm_axes(written: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    axes = tuple(axis % seen.rank for axis in written.get("axes", (-1,)))
    return {"axes": axes, "epsilon": written.get("epsilon", 1e-5)}


def _batch_norm(written: Written, _: Seen) -> Mapping[str, AttributeValue]:
    return {"axis": written.get("axis", 1), "epsilon": written.get("epsilon", 1e-5)}


def _result_shape(_: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    return {"shape": seen.outputs[0].shape}


def _flatten(written: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    given = written.get("start_axis", 1), written.get("end_axis", -1)
    return dict(zip(("start_axis", "end_axis"), (axis % seen.rank for axis in given), strict=True))


def _slice(written: Written, seen: Seen) -> Mapping[str, AttributeValue]:
    bounds = {
        name: written.get(name, default) for name, default in (("start", 0), ("end", None), ("step", 1))
    }
    return {**bounds, **_axis(0)(written, seen)}


_RULES: Mapping[str, Rule] = {
    "conv": _conv,
    "conv_transpose": _conv_transpose,
    "max_pool": _pool,
    "avg_pool": _avg_pool,
    "batch_norm": _batch_norm,
    "layer_norm": _norm_axes,
    "rms_norm": _norm_axes,
    "reshape": _result_shape,
    "expand": _result_shape,
    "flatten": _flatten,
    "slice": _slice,
    **dict.fromkeys(("softmax", "log_softmax"), _axis(-1)),
    **dict.fromkeys(("concat", "stack", "select", "split", "unbind", "gather"), _axis(0)),
    **dict.fromkeys(("mean", "sum", "prod"), _all_axes),
}

"""Reductions and windows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from clika_jax.flat import Operand, Shaped
from clika_jax.operators import functions
from clika_jax.operators.translation import Translation
from clika_jax.translator import Call, verbatim

_REDUCTIONS = {
    "reduce_sum": "sum",
    "reduce_max": "reduce_max",
    "reduce_min": "reduce_min",
    "reduce_prod": "prod",
    "reduce_and": "all",
    "reduce_or": "any",
}


def _reduction(type_name: str) -> Translation:
    def translate(call: Call) -> Sequence[Operand]:
        attributes = {"axes": tuple(sorted(call.params["axes"])), "keep_dims": False}
        operands = {"input": call.tensor(call.operands[0])}
        assert call.equation.bind is not None
        return [
            call.emit(
                type_name,
                call.equation.bind,
                operands,
                call.result,
                settings=call.params,
                attributes=attributes,
            )
        ]

    return translate


def _extreme(type_name: str) -> Translation:
    def translate(call: Call) -> Sequence[Operand]:
        attributes = {"axes": tuple(call.params["axes"]), "keep_dims": False}
        operands = {"input": call.tensor(call.operands[0])}
        assert call.equation.bind is not None
        return [
            call.emit(
                type_name,
                call.equation.bind,
                operands,
                call.result,
                settings=call.params,
                attributes=attributes,
            )
        ]

    return translate


def _cumsum(call: Call) -> Sequence[Operand]:
    if call.params.get("reverse"):
        return verbatim(call)
    operands = {"input": call.tensor(call.operands[0])}
    attributes = {"axes": (call.params["axis"],), "keep_dims": True}
    assert call.equation.bind is not None
    return [
        call.emit(
            "cumsum", call.equation.bind, operands, call.result, settings=call.params, attributes=attributes
        )
    ]


def _window(type_name: str, function: Callable[..., Any]) -> Translation:
    """A pool: a window over space, none over the batch or the channels. Axes of one element are left out."""

    def translate(call: Call) -> Sequence[Operand]:
        names = ("window_dimensions", "window_strides", "padding", "window_dilation")
        window = Window(**{name: tuple(call.params[name]) for name in names})
        base = call.params.get("base_dilation") or (1,)
        x = call.tensor(call.operands[0])
        idle = [axis for axis in window.idle() if call.shape()[axis] == 1]
        channels = window.without(idle).channels()
        if channels is None or any(step != 1 for step in base):
            return verbatim(call)
        window = window.without(idle)
        x = call.reshaped(x, [n for axis, n in enumerate(call.shape()) if axis not in idle], "input")
        result = [size for axis, size in enumerate(call.result.shape) if axis not in idle]
        pooled = call.emit(
            type_name,
            function,
            {"input": x},
            Shaped(call.result.dtype, tuple(result)),
            settings=asdict(window),
            attributes=window.attributes(channels),
            suffix="pooled" if idle else "",
        )
        return [call.reshaped(pooled, call.result.shape, "")]

    return translate


@dataclass(frozen=True)
class Window:
    """A window over all axes of a value."""

    window_dimensions: tuple[Any, ...]
    window_strides: tuple[Any, ...]
    padding: tuple[Any, ...]
    window_dilation: tuple[Any, ...]

    def idle(self) -> list[int]:
        """The axes between batch and space that it does not reach beyond, of values with more than four axes."""
        rank = len(self.window_dimensions)
        wide = [axis for axis in range(rank) if self.window_dimensions[axis] != 1]
        return [axis for axis in range(1, rank - 1) if rank > 4 and wide and axis < wide[0]]

    def without(self, axes: Sequence[int]) -> Window:
        """The window over the other axes."""
        parts = (
            tuple(value for axis, value in enumerate(values) if axis not in axes)
            for values in asdict(self).values()
        )
        return Window(*parts)

    def channels(self) -> int | None:
        """The axis of the channels: the last one, unless only the second is free of the window; None without one."""
        window = self.window_dimensions
        if len(window) < 3 or window[0] != 1:
            return None
        if window[-1] == 1 and (window[1] != 1 or len(window) < 4):
            return len(window) - 1
        return 1 if window[1] == 1 else None

    def attributes(self, channels: int) -> dict[str, Any]:
        """Over space alone, as the vocabulary says it."""
        space = [axis for axis in range(1, len(self.window_dimensions)) if axis != channels]
        found = {
            "kernel_size": tuple(self.window_dimensions[axis] for axis in space),
            "strides": tuple(self.window_strides[axis] for axis in space),
            "padding": tuple(tuple(self.padding[axis]) for axis in space),
            "dilations": tuple(self.window_dilation[axis] for axis in space),
            "ceil_mode": False,
        }
        return found if channels == 1 else {**found, "channel_axis": channels}


TRANSLATIONS = {
    **{name: _reduction(type_name) for name, type_name in _REDUCTIONS.items()},
    "argmax": _extreme("argmax"),
    "argmin": _extreme("argmin"),
    "cumsum": _cumsum,
    "reduce_window_max": _window("max_pool", functions.window_max),
    "reduce_window_sum": _window("sum_pool", functions.window_sum),
}

"""Which sizes a trace left free, and, where one that was asked for is not: which line of the model fixes it.

While it traces, torch replaces a size by a number, or notes what must hold of it (a *guard*). A size of which no
other value within reach meets all guards is as fixed as a number.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple, TypeAlias

import sympy  # type: ignore[import-untyped]
import torch
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.overrides import TorchFunctionMode

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.errors import Location, TraceError
from clika_torch.example import Example
from clika_torch.flat_model import FlatModel, shallow_copy
from clika_torch.trace_errors import innermost
from clika_torch.trace_facts import is_users

Axes: TypeAlias = Sequence[frozenset[int]]
Export: TypeAlias = Callable[[nn.Module], Any]

_NAME: Final = re.compile(r"[A-Za-z_]\w*")
_STEPS: Final = (4, 8, 16, 32, 64, 128)


class FixedSize(NamedTuple):
    """An axis that was to be free and is not: of which input, by position, and its size."""

    position: int
    axis: int
    size: int


def fixed_sizes(program: ExportedProgram, wanted: Axes) -> list[FixedSize]:
    """The axes that were to be free, and have one size in the trace."""
    arrays = _inputs(program)
    return [
        FixedSize(position, axis, int(example_size(array.shape[axis])))
        for position, (array, axes) in enumerate(zip(arrays, wanted, strict=True))
        for axis in sorted(axes)
        if OtherSizes(array.shape[axis], arrays).are_none()
    ]


def is_free_in_batch(program: ExportedProgram) -> bool:
    """Whether the first axis of some input is free to change."""
    return any(isinstance(array.shape[0], torch.SymInt) for array in _inputs(program) if array.dim())


def branches(program: ExportedProgram, names: Sequence[str]) -> Iterator[Diagnostic]:
    """A finding for every line of the user's that asked what a size is, and may do something else at another one."""
    named: list[tuple[Any, str]] = [
        (length, f"{name}.shape[{axis}]")
        for array, name in zip(_inputs(program), names, strict=True)
        for axis, length in enumerate(array.shape)
    ]
    lengths = [(length, word) for length, word in named if isinstance(length, torch.SymInt)]
    words = {str(length.node.expr): word for length, word in reversed(lengths)}
    for guard in lengths[0][0].node.shape_env.guards if lengths else ():
        line = guard.sloc.framework_loc
        if isinstance(line, traceback.FrameSummary) and line.lineno and is_users(line.filename):
            condition = _NAME.sub(lambda found: words.get(found.group(), found.group()), str(guard.expr))
            yield Diagnostic(
                "size-condition",
                Severity.INFO,
                f"the traced model does what the model does where {condition}, at every size",
                Location(line.filename, line.lineno),
                help="keep to such sizes, or write the model without this condition",
            )


def refusal(fixed: Sequence[FixedSize], example: Example, export: Export, model: nn.Module) -> TraceError:
    """The error for sizes that the model fixes, naming the line; `export` traces a model as it was traced before."""
    path, location = _place(fixed[0], example, export, model)
    names = example.names
    first = fixed[0]
    where = f" in module {path!r}" if path else ""
    return TraceError(
        f"the model fixes a size that was to be free: axis {first.axis} of input {names[first.position]!r}{where}",
        found=f"a size of {first.size}, that of the example",
        expected="code that takes the size from its tensors",
        fix=_advice(first, example.arrays, names, fixed),
        location=location,
    )


def example_size(size: Any) -> int:
    """The size that the trace was made with."""
    return int(size.node.hint) if isinstance(size, torch.SymInt) else int(size)


class OtherSizes:
    """Values within reach that a size may still have: those that meet every guard, with other sizes as they are."""

    def __init__(self, size: Any, inputs: Sequence[Tensor]) -> None:
        """Take a size of one of `inputs`, as the trace has them."""
        self._size = size
        lengths: list[Any] = [length for array in inputs for length in array.shape]
        self._hints = {
            length.node.expr: sympy.Integer(length.node.hint)
            for length in lengths
            if isinstance(length, torch.SymInt)
        }
        given = example_size(size)
        reach = {given // 2, given - 1, 2 * given, 3 * given, *(given + step for step in (1, 2, 3, *_STEPS))}
        self._left = sorted(reach - {0, 1, given})
        self._num_seen = 0

    def are_none(self) -> bool:
        """Whether no value is left; looks at the guards that came since the last time."""
        if not isinstance(self._size, torch.SymInt) or self._size.node.maybe_as_int() is not None:
            return True
        env = self._size.node.shape_env
        for guard in env.guards[self._num_seen :]:
            self._left = [value for value in self._left if self._meets(env, guard.expr, value)]
        self._num_seen = len(env.guards)
        return not self._left

    def _meets(self, env: Any, guard: sympy.Basic, value: int) -> bool:
        known = {**self._hints, env.replace(self._size.node.expr): sympy.Integer(value)}
        given = {symbol: env.replace(symbol).xreplace(known) for symbol in guard.free_symbols}
        return bool(guard.xreplace(given) != sympy.false)


def _inputs(program: ExportedProgram) -> list[Tensor]:
    names = set(program.graph_signature.user_inputs)
    return [node.meta["val"] for node in program.graph.find_nodes(op="placeholder") if node.name in names]


def _advice(
    first: FixedSize, arrays: Sequence[Tensor], names: Sequence[str], fixed: Sequence[FixedSize]
) -> str:
    """What to do: other inputs may have to be free with this one, else the line is to be written otherwise."""
    asked = {(one.position, one.axis) for one in fixed}
    beside = [
        f'"{names[position]}": [{axis}]'
        for position, array in enumerate(arrays)
        for axis, size in enumerate(array.shape)
        if size == first.size and axis and (position, axis) not in asked
    ]
    rewrite = "write sizes as x.shape[...] there, not as numbers, or leave the axis fixed"
    return f"free what has the same size with it: {', '.join(beside)}; else {rewrite}" if beside else rewrite


def _place(
    first: FixedSize, example: Example, export: Export, model: nn.Module
) -> tuple[str, Location | None]:
    """The module and the line of the user's where this size is fixed, found by tracing once more and looking on."""
    flat = FlatModel(shallow_copy(model), example.call, example.order)
    watch = _Watch(first)
    with suppress(Exception):  # what it saw until then is all that is wanted
        export(_Watched(flat, watch))
    return watch.place


class _Watch(TorchFunctionMode):
    """Looks after every call of torch whether a size of the inputs is fixed by now; `place` is where that was."""

    def __init__(self, watched: FixedSize) -> None:
        super().__init__()
        self.watched = watched
        self.sizes: OtherSizes | None = None
        self.place: tuple[str, Location | None] = ("", None)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if self.sizes is not None and self.sizes.are_none():
            self.sizes = None
            self.place = innermost(reversed(list(traceback.walk_stack(sys._getframe(1)))))
        return result


class _Watched(nn.Module):
    """A model that runs under a watch."""

    def __init__(self, flat: FlatModel, watch: _Watch) -> None:
        super().__init__()
        self.flat, self._watch = flat, watch

    def forward(self, *arrays: Tensor) -> Any:
        size = arrays[self._watch.watched.position].shape[self._watch.watched.axis]
        sizes = OtherSizes(size, arrays)
        with self._watch:
            self._watch.sizes = sizes
            return self.flat(*arrays)

"""What a traced node tells of itself: values, module path, place in the user's source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import torch
from torch import fx

from clika_core.errors import Location
from clika_core.ir.graph import Value
from clika_torch import flat_model
from clika_torch.dtypes import dtype_name
from clika_torch.flat_model import PREFIX
from clika_torch.operators.mapping import size

_FRAME: Final = re.compile(r'File "([^"]+)", line (\d+)')
_TORCH: Final = str(Path(torch.__file__).parent)
_OURS: Final = flat_model.__file__


def values(held: Any) -> tuple[Value, ...]:
    """The values of a node's result, one for each part of a tuple."""
    parts = held if isinstance(held, list | tuple) else (held,)
    return tuple(map(_value, parts))


def _value(held: Any) -> Value:
    if not isinstance(held, torch.Tensor):
        return Value("int64", (), ())
    shape = tuple(s if isinstance(s, str | int) else str(s) for s in map(size, held.shape))
    return Value(dtype_name(held.dtype), shape, tuple(map(_example, held.shape)))


def _example(length: Any) -> int:
    """The size seen while tracing; 0 where it depends on data."""
    if isinstance(length, torch.SymInt):
        return int(length.node.hint) if length.node.has_hint() else 0
    return int(length)


def module_path(node: fx.Node) -> str | None:
    """The path of the user's module that ran the node; None outside all submodules."""
    stack = node.meta.get("nn_module_stack")
    if not stack:
        return None
    path = list(stack.values())[-1][0]
    return own_name(path) if path.startswith(f"{PREFIX}.") else None


def own_name(name: str) -> str:
    """A module's or parameter's name in the user's model, without the wrapper's prefix."""
    return name.removeprefix(f"{PREFIX}.")


def source(node: fx.Node) -> Location | None:
    """The innermost line of the node's stack that is not torch's or ours."""
    frames = _FRAME.findall(node.meta.get("stack_trace") or "")
    own = [(file, line) for file, line in frames if is_users(file)]
    return Location(own[-1][0], int(own[-1][1])) if own else None


def is_users(file: str) -> bool:
    """Whether a source file is neither torch's nor part of the wrapper around the model."""
    return not file.startswith(_TORCH) and file != _OURS and not file.startswith("<")

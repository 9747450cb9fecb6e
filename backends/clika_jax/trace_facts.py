"""What an equation tells of itself: the scope it ran in, and its place in the user's source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import jax
import numpy as np

from clika_core.errors import Location

_LIBRARIES: Final = tuple(
    str(Path(jax.__file__).parent.parent / name)
    for name in ("jax", "jaxlib", "flax", "equinox", "optax", "jaxtyping", "numpy")
)
_OURS: Final = str(Path(__file__).parent)
_TRANSFORM: Final = re.compile(r"(?:jit|vmap|jvp|transpose|checkpoint|remat|rematted_computation)\b.*")


def scope(equation: Any) -> tuple[str, ...]:
    """The name scopes around an equation within its own jaxpr, outermost first, without those of transformations."""
    stack = str(equation.source_info.name_stack)
    return tuple(part for part in stack.split("/") if part and not _TRANSFORM.fullmatch(part))


def source(equation: Any) -> Location | None:
    """The innermost line of the equation's stack that belongs to no library."""
    traceback = equation.source_info.traceback
    if traceback is None:
        return None
    for frame in traceback.frames:
        if frame.file_name.startswith(_OURS) and not frame.file_name.endswith("demo_network.py"):
            return None  # from here on it is the call that traces
        if is_users(frame.file_name):
            return Location(frame.file_name, max(int(frame.line_num), 1))
    return None


def is_users(file: str) -> bool:
    """Whether a source file is neither a library's nor ours."""
    return not file.startswith((*_LIBRARIES, _OURS, "<"))


def dtype_name(dtype: Any) -> str:
    """`float32`, `bfloat16`, `int64`, `bool`; a random key has a name of its own."""
    return np.dtype(dtype).name if isinstance(dtype, np.dtype) else str(dtype)

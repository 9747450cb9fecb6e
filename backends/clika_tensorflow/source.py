"""Where in the user's code an operation was made."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from clika_core.errors import Location

_FRAMEWORKS = tuple(
    str(Path(module.__file__).parent)
    for name in ("tensorflow", "keras")
    if (module := sys.modules.get(name)) is not None and module.__file__
)
_OURS = str(Path(__file__).parent)
_DEMO = str(Path(__file__).with_name("demo_network.py"))  # written as a user would write it


def source_of(operation: Any) -> Location | None:
    """The innermost line of the operation's stack that is neither a framework's nor ours.

    None where the stack leads to us first: from there on it is the call that traces, and no line made the
    operation. A functional model of Keras is such a case: it is a table of layers.
    """
    for frame in reversed(operation.traceback or ()):
        if frame.filename.startswith(_OURS) and frame.filename != _DEMO:
            return None
        if is_users(frame.filename):
            return Location(frame.filename, frame.lineno)
    return None


def is_users(file: str) -> bool:
    """Whether a source file is neither a framework's nor this backend's nor the interpreter's."""
    return not (
        file.startswith((*_FRAMEWORKS, _OURS, "<", os.path.dirname(os.__file__) + os.sep))
        or os.sep + "site-packages" + os.sep in file
    )

"""Where in the user's own program a setting was made."""

from __future__ import annotations

import sys

from clika_core.errors import Location

_PACKAGE = __name__.rpartition(".")[0]


def caller_location() -> Location | None:
    """File and line of the innermost frame outside this package; None if there is none."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__name__", "").startswith(_PACKAGE):
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return Location(frame.f_code.co_filename, frame.f_lineno)

"""The user's cache folder: what is in it can be deleted at any time, and is written whole or not at all."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import Final

NO_CACHE: Final = "CLIKA_NO_CACHE"


def cache_folder() -> str | None:
    """`clika` in the platform's cache folder; None where there is no home, or `CLIKA_NO_CACHE` is set."""
    if os.environ.get(NO_CACHE):
        return None
    variable, default = ("LOCALAPPDATA", "") if sys.platform == "win32" else ("XDG_CACHE_HOME", "~/.cache")
    root = os.environ.get(variable) or os.path.expanduser(default)
    return os.path.join(root, "clika") if os.path.isabs(root) else None


def write_cache(file: str, text: str) -> None:
    """Write beside `file` and rename, so that parallel runs read it whole; a folder that refuses is let be."""
    from pathlib import Path

    from clika_core.files import write_whole

    with suppress(OSError):
        os.makedirs(os.path.dirname(file), exist_ok=True)
        write_whole(Path(file), text)

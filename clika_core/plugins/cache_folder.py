"""The user's cache folder: what is in it can be deleted at any time, and is written whole or not at all."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from clika_core.files import write_whole

NO_CACHE: Final = "CLIKA_NO_CACHE"


def cache_folder() -> Path | None:
    """`clika` in the platform's cache folder; None where there is no home, or `CLIKA_NO_CACHE` is set."""
    if os.environ.get(NO_CACHE):
        return None
    variable, default = ("LOCALAPPDATA", "") if sys.platform == "win32" else ("XDG_CACHE_HOME", "~/.cache")
    root = os.environ.get(variable) or os.path.expanduser(default)
    return Path(root, "clika") if os.path.isabs(root) else None


def write_cache(file: Path, text: str) -> None:
    """Write beside `file` and rename, so that parallel runs read it whole; a folder that refuses is let be."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)

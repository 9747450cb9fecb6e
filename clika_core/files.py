"""Writing files whole or not at all. Imports nothing of the project; callers say in their own words what failed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, content: str | bytes, *, mode: int | None = None) -> None:
    """Write beside `path` and rename: a reader, or a parallel writer, sees the old file or the new one, whole.

    Text is written as UTF-8 with its line ends as they are. `mode` are the permissions of the new file; None
    leaves them to the system. Raises OSError, and then leaves nothing behind.
    """
    beside = path.with_name(f".{path.name}-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with beside.open("xb") as stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
        if mode is not None:
            beside.chmod(mode)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise

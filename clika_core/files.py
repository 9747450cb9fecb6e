"""Writing files whole or not at all. Imports nothing of the project; callers say in their own words what failed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def write_whole(
    path: Path, content: str | bytes, *, mode: int | None = None, is_durable: bool = False
) -> None:
    """Write beside `path` and rename: a reader, or a parallel writer, sees the old file or the new one, whole.

    Text is written as UTF-8 with its line ends as they are. `mode` are the permissions of the new file; None
    leaves them to the system. `is_durable` waits until the disk has the content before it takes the name, so
    that not even a power cut leaves half a file. Raises OSError, and then leaves nothing behind.
    """
    beside = path.with_name(f".{path.name}-{os.getpid()}-{os.urandom(4).hex()}")
    try:
        with beside.open("xb") as stream:
            stream.write(content.encode("utf-8") if isinstance(content, str) else content)
            if is_durable:
                stream.flush()
                os.fsync(stream.fileno())
        if mode is not None:
            beside.chmod(mode)
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        raise

"""The output folder: everything is written beside it, and moved into place when it is complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clika_core.errors import OutputError


@contextmanager
def output_folder(path: str | Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A new folder to write into, which becomes `path` when the block ends without an error.

    Raises OutputError where `path` holds something and `overwrite` is not set, or cannot be written. After an
    error nothing of it is left, and what was at `path` stays as it was.
    """
    final = Path(path)
    check_free(final, overwrite)
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
    except OSError as problem:
        raise OutputError(
            f"cannot write beside {final}", found=str(problem), fix="choose another folder"
        ) from None
    try:
        yield staging
        check_free(final, overwrite)
        _replace(staging, final)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def check_free(final: Path, overwrite: bool) -> None:
    """Raise OutputError where a file is at `final`, or a folder that holds something and may not be replaced."""
    if final.exists() and not final.is_dir():
        raise OutputError(f"{final} is a file", expected="a folder, or nothing")
    if final.is_dir() and any(final.iterdir()) and not overwrite:
        raise OutputError(
            f"the output folder {final} is in use",
            found=f"it holds {min(path.name for path in final.iterdir())!r}",
            expected="an empty folder, or none",
            fix="give another folder, or replace it with --overwrite (in Python overwrite=True)",
        )


def _replace(staging: Path, final: Path) -> None:
    """Put `staging` at `final`; the old folder is gone only after the new one stands."""
    staging.chmod(0o755)
    if not final.exists():
        staging.rename(final)
        return
    retired = Path(tempfile.mkdtemp(prefix=f".{final.name}-old-", dir=final.parent))
    final.rename(retired / final.name)
    try:
        staging.rename(final)
    except OSError:
        (retired / final.name).rename(final)
        raise
    finally:
        shutil.rmtree(retired, ignore_errors=True)

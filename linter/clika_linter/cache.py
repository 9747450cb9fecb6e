"""Results of earlier runs, in the user's cache folder: keyed by the content of every file read and every version.

One file per settings file, so that the folder does not grow with every change; written whole or not at all, so
that runs side by side never read half of one. What cannot be read as a result is as good as none.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final

from clika_core import __version__
from clika_core.digests import sha256
from clika_core.plugins.cache_folder import cache_folder, write_cache
from clika_core.plugins.manager import plugins
from clika_linter.reported import Reported

_FORMAT: Final = 1


class ResultCache:
    """Finds and keeps the findings of settings files."""

    def __init__(self, folder: str | None = None, *, is_used: bool = True) -> None:
        """Use `folder`, else the user's cache folder; none at all unless `is_used`."""
        default = cache_folder()
        root = folder or (os.path.join(default, "lint") if default else None)
        self._folder = root if is_used else None

    def key(self, parts: Sequence[Any], files: Iterable[str | None]) -> str | None:
        """The key of a run over `files` with everything else in `parts`; None where a file cannot be read."""
        if self._folder is None:
            return None
        found = sha256(json.dumps([_FORMAT, __version__, sys.version, _plugins(), parts]).encode())
        try:
            for file in files:
                found.update(b"-" if file is None else _content_digest(file))
        except OSError:
            return None
        return found.hexdigest()

    def get(self, file: str, key: str | None) -> tuple[list[Reported], dict[str, Any]] | None:
        """The findings kept under `key`, and what was kept beside them."""
        if self._folder is None or key is None:
            return None
        try:
            content = _read_json(self._place(file))
            if content["key"] != key:
                return None
            return [Reported.from_json(found) for found in content["findings"]], dict(content["beside"])
        except (OSError, ValueError, TypeError, KeyError, RecursionError):
            return None

    def put(self, file: str, key: str | None, findings: Iterable[Reported], beside: dict[str, Any]) -> None:
        """Keep findings under `key`, in place of earlier ones of the same settings file."""
        if self._folder is not None and key is not None:
            content = {"key": key, "findings": [found.to_json() for found in findings], "beside": beside}
            write_cache(self._place(file), json.dumps(content))

    def _place(self, file: str) -> str:
        name = sha256(os.path.abspath(file).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return os.path.join(self._folder or "", f"{name}.json")


def _content_digest(file: str) -> bytes:
    with open(file, "rb") as stream:
        found: bytes = sha256(stream.read()).digest()
    return found


def _read_json(file: str) -> Any:
    with open(file, "rb") as stream:
        return json.loads(stream.read())


def _plugins() -> list[list[Any]]:
    """Every plugin with its version; one that is being developed, with the times of its files."""
    found = [[point.name, point.value, point.distribution, point.version] for point in plugins().points]
    roots = {point.value.partition(":")[0].partition(".")[0] for point in plugins().points} | {"clika_core"}
    return [*found, *([root, _changed(root)] for root in sorted(roots))]


def _changed(root: str) -> list[int]:
    """Number and latest time of the files of a package; nothing for one that was installed and stays as it is."""
    file = getattr(sys.modules.get(root), "__file__", None)
    if file is None or "site-packages" in file:
        return []
    times = [
        entry.stat().st_mtime_ns
        for folder, _, _ in os.walk(os.path.dirname(file))
        if not folder.endswith("__pycache__")
        for entry in os.scandir(folder)
        if entry.name.endswith(".py")
    ]
    return [len(times), max(times, default=0)]

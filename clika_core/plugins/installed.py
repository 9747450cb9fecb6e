"""The entry points of the group `clika`, found without reading the metadata of every installed package each time.

A scan of a hundred packages takes longer than all else that `clika lint` does. What it finds is kept in the
user's cache folder, with the folders of the import path and their times of change: installing, upgrading or
removing a package changes its folder, and the scan is made again. `CLIKA_NO_CACHE=1` always scans.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from clika_core.digests import sha256
from clika_core.plugins.cache_folder import cache_folder, write_cache

GROUP: Final = "clika"  # of entry points
_FORMAT: Final = 1
_PREFIX: Final = "plugins-"
_MAX_FILES: Final = 32  # one for each import path
_SETTLED_SECONDS: Final = 3  # a folder that changed just now may change again within the clock's resolution


class PluginPoint(NamedTuple):
    """One entry point: `value` is the module (or `module:attribute`) that `distribution` registers as `name`."""

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """Import what `value` names."""
        module, _, attributes = self.value.partition(":")
        found: Any = importlib.import_module(module.strip())
        for attribute in filter(None, attributes.strip().split(".")):
            found = getattr(found, attribute)
        return found


def installed_points(group: str) -> list[PluginPoint]:
    """The entry points of `group`, in no particular order."""
    folder = cache_folder()
    state = _state(group) if folder else None
    if folder is None or state is None:
        return scan(group)
    question = [*state[:4], [entry[0] for entry in state[4]]]  # one file each: programs take turns
    name = sha256(json.dumps(question).encode()).hexdigest()[:16]
    file = os.path.join(folder, f"{_PREFIX}{name}.json")
    cached = _read(file, state)
    if cached is not None:
        return cached
    found = scan(group)
    if time.time() - max((entry[1] for entry in state[4]), default=0) / 1e9 > _SETTLED_SECONDS:
        rows = [[p.name, p.value, p.distribution, p.version] for p in found]
        write_cache(file, json.dumps([state, rows]))
        _forget_oldest(folder)
    return found


def scan(group: str) -> list[PluginPoint]:
    """The entry points of `group`, from the metadata of every installed package."""
    from importlib.metadata import entry_points

    return [
        PluginPoint(
            point.name,
            point.value,
            point.dist.name if point.dist else "unknown distribution",
            point.dist.version if point.dist else "",
        )
        for point in entry_points(group=group)
    ]


def _state(group: str) -> list[Any] | None:
    """What the entry points depend on, as JSON values; None where they cannot be told from the path alone."""
    if any(hasattr(finder, "find_distributions") for finder in sys.meta_path if not _is_standard(finder)):
        return None
    folders = [[folder or ".", _changed(folder or ".")] for folder in sys.path]
    return [_FORMAT, group, sys.version, sys.prefix, folders]


def _is_standard(finder: object) -> bool:
    return getattr(finder, "__module__", "").startswith("_frozen_importlib")


def _changed(folder: str) -> int:
    try:
        return os.stat(folder).st_mtime_ns
    except OSError:
        return 0


def _read(file: str, state: Sequence[Any]) -> list[PluginPoint] | None:
    """What an earlier scan found in this very state."""
    try:
        with open(file, "rb") as stream:
            known, rows = json.loads(stream.read())
        return [PluginPoint(*map(str, row)) for row in rows] if known == state else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _forget_oldest(folder: str) -> None:
    """Keep the newest files, so that the folder does not grow with every script that is run."""
    with suppress(OSError):
        files = [entry for entry in os.scandir(folder) if entry.name.startswith(_PREFIX)]
        files.sort(key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
        for entry in files[_MAX_FILES:]:
            os.unlink(entry.path)

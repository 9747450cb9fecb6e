"""Which plugins were examined and found good, kept in the user's cache folder until a plugin's file changes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from clika_core import __version__
from clika_core.plugins.cache_folder import cache_folder, write_cache
from clika_core.plugins.installed import PluginPoint

_FORMAT: Final = 1
_HOOKS: Final = os.path.join(os.path.dirname(__file__), "hooks.py")


class Remembered:
    """What examinations found, in this process and earlier ones."""

    def __init__(self) -> None:
        """Read what is known; nothing where there is no cache folder, or what lies there cannot be read."""
        folder = cache_folder()
        self._file = os.path.join(folder, "examined-plugins.json") if folder else None
        self._known: dict[str, Any] = _read(self._file) if self._file else {}
        self._is_changed = False

    def get(self, point: PluginPoint) -> Mapping[str, str] | None:
        """The functions by hook of a plugin whose file is still the one that was examined."""
        known = self._known.get(_key(point))
        if not isinstance(known, dict):
            return None
        try:
            state, functions = known["state"], known["functions"]
            is_same = state == _state(state["file"]) and _is_imported_from(state["file"], point)
            return dict(functions) if is_same else None
        except (TypeError, KeyError, ValueError, OSError):
            return None

    def put(self, point: PluginPoint, functions: Mapping[str, str]) -> None:
        """Remember a plugin that was just examined, if it came from a file."""
        file = getattr(sys.modules.get(_module(point)), "__file__", None)
        with suppress(OSError):
            if file:
                self._known[_key(point)] = {"state": _state(file), "functions": dict(functions)}
                self._is_changed = True

    def save(self) -> None:
        """Keep what was added for later processes."""
        if self._file and self._is_changed:
            write_cache(self._file, json.dumps(self._known))


def _key(point: PluginPoint) -> str:
    return json.dumps([_FORMAT, __version__, sys.version, sys.prefix, *point])


def _module(point: PluginPoint) -> str:
    return point.value.partition(":")[0].strip()


def _is_imported_from(file: str, point: PluginPoint) -> bool:
    """Whether no folder of the import path before the file's has another one: a second checkout, say, or an override.

    A file in no such folder is found by an import hook, which is left to know it.
    """
    depth = _module(point).count(".") + (2 if os.path.basename(file).startswith("__init__.") else 1)
    parts = file.rsplit(os.sep, depth)
    for folder in sys.path:
        if folder == parts[0]:
            return True
        if os.path.exists(os.path.join(folder, *parts[1:])):
            return False
    return True


def _state(file: str) -> dict[str, Any]:
    """What tells a file from its next version, and this manager from its own. Raises OSError."""
    found, own = os.stat(file), os.stat(_HOOKS)
    return {"file": file, "changed": [found.st_mtime_ns, found.st_size, own.st_mtime_ns]}


def _read(file: str) -> dict[str, Any]:
    try:
        with open(file, "rb") as stream:
            found = json.loads(stream.read())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

"""Where an option comes from when the command line does not say: settings, `[tool.clika]`, environment, default.

    [tool.clika]                 environment
    settings = "settings.yaml"   CLIKA_SETTINGS
    target = "ort"               CLIKA_TARGET
    device = "cpu"               CLIKA_DEVICE
    batch-size = 32              CLIKA_BATCH_SIZE
    seed = 0                     CLIKA_SEED
    log-file = "clika.log"       CLIKA_LOG_FILE

The table is that of the nearest `pyproject.toml`; file names in it are relative to its folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from clika_core.errors import SettingsError, nearest

T = TypeVar("T")

_TABLE: Final = "[tool.clika]"
_KINDS: Final[Mapping[str, type[str] | type[int]]] = {
    "settings": str,
    "target": str,
    "device": str,
    "batch-size": int,
    "seed": int,
    "log-file": str,
}
_FILES: Final = ("settings", "log-file")
_OTHERS: Final = ("lint",)  # tables of their own
MAX_BYTES: Final = 4 * 2**20


class Preferences:
    """What `[tool.clika]` and the environment say."""

    def __init__(self, table: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """`table` is checked; the environment is when something of it is asked for."""
        self._table, self._environment = table, environment

    @classmethod
    def here(cls) -> Preferences:
        """Those of the current folder and process."""
        return cls(find_table(Path.cwd()), os.environ)

    def text(self, key: str, *first: str | None) -> str | None:
        """The first of `first` that is not None, else what the table, else what the environment says."""
        return self._first(key, first, str)

    def number(self, key: str, *first: int | None) -> int | None:
        """The same for a number. Raises SettingsError where the environment holds something else."""
        return self._first(key, first, int)

    def _first(self, key: str, given: tuple[T | None, ...], kind: Callable[[str], T]) -> T | None:
        name = f"CLIKA_{key.upper().replace('-', '_')}"
        stated = next((value for value in (*given, self._table.get(key)) if value is not None), None)
        if stated is not None or not self._environment.get(name):
            return stated
        try:
            return kind(self._environment[name])
        except ValueError:
            raise SettingsError(
                f"the environment variable {name} holds no number", found=repr(self._environment[name])
            ) from None


def find_table(start: Path) -> dict[str, Any]:
    """`[tool.clika]` of the nearest `pyproject.toml` that has one, from `start` upwards; empty without.

    Raises SettingsError for a key that it does not have, or a value of the wrong type.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file() and "clika" in (content := _content(path)):
            table = _table(content, path)
            if table:
                return table
    return {}


def _content(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES).decode("utf-8")
    except (OSError, ValueError) as problem:
        raise SettingsError(f"{path} cannot be read", found=str(problem)) from None


def _table(content: str, path: Path) -> dict[str, Any]:
    import tomllib  # here: most folders have no such table

    try:
        document: Any = tomllib.loads(content)
    except (ValueError, RecursionError) as problem:
        raise SettingsError(f"{path} is not TOML", found=str(problem)) from None
    for key in ("tool", "clika"):
        document = document.get(key) if isinstance(document, dict) else None
    found = document if isinstance(document, dict) else {}
    return {key: _checked(key, value, path) for key, value in found.items() if key not in _OTHERS}


def _checked(key: str, value: Any, path: Path) -> str | int:
    kind = _KINDS.get(key)
    if kind is None:
        close = nearest(key, [*_KINDS])
        raise SettingsError(
            f"{path}: {_TABLE} has no setting {key!r}",
            expected=None if close else ", ".join(_KINDS),
            fix=f"did you mean {close[0]!r}?" if close else None,
        )
    if type(value) is not kind:
        raise SettingsError(
            f"{path}: {key} of {_TABLE} has the wrong type",
            found=repr(value),
            expected="a text" if kind is str else "a number",
        )
    checked: str | int = str(path.parent / str(value)) if key in _FILES else value
    return checked

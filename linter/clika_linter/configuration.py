"""`[tool.clika.lint]`: found in the nearest `pyproject.toml`, read strictly.

[tool.clika.lint]
paths = ["settings/*.yaml"]
ignore = ["CLK101"]
fail-on = "error"

[[tool.clika.lint.models]]
settings = "settings/*.yaml"
graph = "model.graph.json"
report = "outputs/clika_report.json"

[tool.clika.lint.per-file-ignores]
"settings/old/*" = ["CLK2"]

[tool.clika.lint.rules.sensitivity-hotspot]
max-qs = 500
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, TypeVar

from clika_core.errors import SettingsError, nearest
from clika_core.settings.messages import describe
from clika_linter.fail_on import FailOn

_TABLE: Final = "[tool.clika.lint]"
MAX_BYTES: Final = 4 * 2**20
T = TypeVar("T")


class ModelTable(NamedTuple):
    """One `[[tool.clika.lint.models]]`: which files belong together; names are relative to the configuration."""

    settings: tuple[str, ...]
    graph: str | None = None
    report: str | None = None
    reference_report: str | None = None


class Configuration(NamedTuple):
    """What `[tool.clika.lint]` says; `folder` is that of its file, the current one where there is none."""

    folder: str = ""
    file: str | None = None
    paths: tuple[str, ...] = ()
    models: tuple[ModelTable, ...] = ()
    select: tuple[str, ...] | None = None
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    per_file_ignores: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    fail_on: FailOn = FailOn.WARNING
    require_reason: bool = False
    baseline: str | None = None
    cache_dir: str | None = None
    rules: Mapping[str, Mapping[str, Any]] = MappingProxyType({})


def find_configuration(start: str) -> Configuration:
    """The configuration of the nearest `pyproject.toml` that has one, from `start` upwards."""
    folder, above = start, os.path.dirname(os.path.abspath(start))
    while True:
        path = os.path.join(folder, "pyproject.toml")
        found = read_configuration(path, is_required=False) if os.path.isfile(path) else None
        if found is not None:
            return found
        if folder == above:
            return Configuration()
        folder, above = above, os.path.dirname(above)


def read_configuration(path: str, *, is_required: bool = True) -> Configuration | None:
    """The configuration in a file; None where it has none and need not. Raises SettingsError for a wrong one."""
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_BYTES).decode("utf-8")
    except (OSError, ValueError) as problem:
        raise SettingsError(f"{path} cannot be read", found=str(problem)) from None
    table = _table(content, path) if "clika" in content else None
    if table is None:
        if is_required:
            raise SettingsError(f"{path} has no table {_TABLE}")
        return None
    return _configuration(table, path)


def _table(content: str, path: str) -> dict[str, Any] | None:
    import tomllib

    try:
        document: Any = tomllib.loads(content)
    except (ValueError, RecursionError) as problem:
        raise SettingsError(f"{path} is not TOML", found=str(problem)) from None
    for key in ("tool", "clika", "lint"):
        document = document.get(key) if isinstance(document, dict) else None
    if document is not None and not isinstance(document, dict):
        raise _wrong(path, "", document, "a table")
    return document


def _configuration(table: Mapping[str, Any], path: str) -> Configuration:
    reader = _Reader(table, path, "")
    reader.refuse_unknown(
        "paths models select extend-select ignore per-file-ignores fail-on require-reason baseline cache-dir rules"
    )
    return Configuration(
        os.path.dirname(path),
        path,
        reader.texts("paths") or (),
        tuple(_model(_Reader(item, path, f"models[{i}]")) for i, item in enumerate(reader.tables("models"))),
        reader.texts("select"),
        reader.texts("extend-select") or (),
        reader.texts("ignore") or (),
        _lists(_Reader(reader.table("per-file-ignores"), path, "per-file-ignores")),
        reader.choice("fail-on", FailOn) or FailOn.WARNING,
        reader.flag("require-reason"),
        reader.text("baseline"),
        reader.text("cache-dir"),
        _tables(_Reader(reader.table("rules"), path, "rules")),
    )


def _model(reader: _Reader) -> ModelTable:
    reader.refuse_unknown("settings graph report reference-report")
    settings = reader.texts("settings")
    if not settings:
        raise reader.wrong("settings", None, "the names of settings files, or patterns of them")
    return ModelTable(settings, reader.text("graph"), reader.text("report"), reader.text("reference-report"))


def _lists(reader: _Reader) -> dict[str, tuple[str, ...]]:
    return {key: reader.texts(key) or () for key in reader.content}


def _tables(reader: _Reader) -> dict[str, dict[str, Any]]:
    return {key: dict(reader.table(key)) for key in reader.content}


class _Reader:
    """A table of the file, and the way to it for messages."""

    def __init__(self, content: Mapping[str, Any], path: str, where: str) -> None:
        self.content = content
        self._path, self._where = path, where

    def refuse_unknown(self, known: str) -> None:
        """Raise SettingsError for a key that is not among the words of `known`."""
        for key in self.content:
            if key not in known.split():
                close = nearest(key, known.split(), limit=1)
                raise SettingsError(
                    f"{self._path}: {_TABLE} has no setting {self._name(key)!r}",
                    expected=None if close else f"one of {', '.join(known.split())}",
                    fix=f"did you mean {close[0]!r}?" if close else None,
                )

    def texts(self, key: str) -> tuple[str, ...] | None:
        """A list of texts, or a single one."""
        found = self.content.get(key)
        items = [found] if isinstance(found, str) else found
        if items is not None and not (
            isinstance(items, list) and all(isinstance(item, str) for item in items)
        ):
            raise self.wrong(key, found, "a list of texts")
        return None if items is None else tuple(items)

    def text(self, key: str) -> str | None:
        """One text."""
        return self._typed(key, str, "a text")

    def flag(self, key: str) -> bool:
        """True or false; false where nothing is said."""
        return bool(self._typed(key, bool, "true or false"))

    def choice(self, key: str, kind: Callable[[str], T]) -> T | None:
        """A word that `kind` takes."""
        found = self.text(key)
        try:
            return None if found is None else kind(found)
        except ValueError:
            raise self.wrong(key, found, ", ".join(FailOn)) from None

    def table(self, key: str) -> dict[str, Any]:
        """A table; empty where there is none."""
        return self._typed(key, dict, "a table") or {}

    def tables(self, key: str) -> list[dict[str, Any]]:
        """A list of tables."""
        found = self._typed(key, list, "a list of tables") or []
        if not all(isinstance(item, dict) for item in found):
            raise self.wrong(key, found, "a list of tables")
        return found

    def wrong(self, key: str, found: object, expected: str) -> SettingsError:
        """The error for the value of `key`, to be raised."""
        return _wrong(self._path, self._name(key), found, expected)

    def _typed(self, key: str, kind: type[T], expected: str) -> T | None:
        found = self.content.get(key)
        if found is not None and not isinstance(found, kind):
            raise self.wrong(key, found, expected)
        return found

    def _name(self, key: str) -> str:
        return f"{self._where}.{key}".lstrip(".")


def _wrong(path: str, name: str, found: object, expected: str) -> SettingsError:
    where = f"{_TABLE} {name}".rstrip()
    return SettingsError(f"{path}: invalid value of {where}", found=describe(found), expected=expected)

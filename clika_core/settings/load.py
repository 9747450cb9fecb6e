"""Reads settings files: `load_settings` for programs, `read_document_file` and `interpret` for tools.

A tool that goes on after mistakes, as the linter does, reads a `Document`, which never raises for what the
file contains, and takes the settings and problems that `clika_core.settings.interpret` finds in it.
"""

from __future__ import annotations

import codecs
import os
import warnings
from collections.abc import Callable
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from clika_core.errors import SettingsError
from clika_core.settings.document import Document, ScalarNode
from clika_core.settings.interpret import interpret
from clika_core.settings.model import Settings
from clika_core.settings.problems import Problem, ProblemKind, SettingsFileError
from clika_core.settings.source import Source, Span
from clika_core.settings.tree_builder import TreeBuilder, UnreadableError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES: Final = 4 * 2**20


class Format(StrEnum):
    """The syntax of a settings file."""

    YAML = "yaml"
    JSON = "json"
    TOML = "toml"


FORMAT_BY_SUFFIX: Final = MappingProxyType(
    {".yaml": Format.YAML, ".yml": Format.YAML, ".json": Format.JSON, ".toml": Format.TOML}
)


def load_settings(path: str | Path) -> Settings:
    """Read a settings file; raises SettingsFileError with every problem, SettingsError if it is missing.

    A key that has a new name counts as that, with a FutureWarning.
    """
    return _settings(read_document_file(path))


def parse_settings(text: str, file: str = "<settings>", format: str = Format.YAML) -> Settings:
    """The settings in `text`; messages name `file`. Raises and warns as `load_settings` does."""
    return _settings(read_document(text, file, format))


def read_document_file(path: str | Path) -> Document:
    """The content of a file; its suffix says the format. Raises SettingsError only if it cannot be opened."""
    syntax = format_of(path)
    try:
        with open(path, "rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"the settings file {str(path)!r} cannot be read", found=reason) from None
    try:
        text = data.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    except UnicodeDecodeError as error:
        if len(data) <= MAX_BYTES:
            return _undecodable(str(path), data, error)
        text = ""
    return _too_large(str(path)) if len(data) > MAX_BYTES else read_document(text, str(path), syntax)


def read_document(text: str, file: str, format: str = Format.YAML) -> Document:
    """The content of `text`. Never raises for what it contains: see `Document.problems`."""
    if len(text) > MAX_BYTES:
        return _too_large(file)
    builder = TreeBuilder(Source(file, text.removeprefix("\ufeff")))
    try:
        _feeder(Format(format))(builder)
    except UnreadableError as error:
        return Document(builder.source, None, (*builder.problems, error.problem))
    root = ScalarNode(None, None, None) if builder.root is None else builder.root
    return Document(builder.source, root, tuple(builder.problems))


def format_of(path: str | Path) -> Format:
    """The format that the suffix of a file name stands for; raises SettingsError for another."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix not in FORMAT_BY_SUFFIX:
        raise SettingsError(
            f"the format of {str(path)!r} is unknown",
            found=f"suffix {suffix!r}" if suffix else "no suffix",
            expected=", ".join(FORMAT_BY_SUFFIX),
        )
    return FORMAT_BY_SUFFIX[suffix]


def _feeder(syntax: Format) -> Callable[[TreeBuilder], None]:
    """The reader of a format, imported when needed."""
    if syntax is Format.JSON:
        from clika_core.settings.json_document import feed_json

        return feed_json
    if syntax is Format.TOML:
        from clika_core.settings.toml_document import feed_toml

        return feed_toml
    from clika_core.settings.yaml_document import feed_yaml

    return feed_yaml


def _settings(document: Document) -> Settings:
    settings, problems = interpret(document)
    wrong = [problem for problem in problems if problem.kind is not ProblemKind.DEPRECATED_SETTING]
    if wrong:
        raise SettingsFileError(wrong)
    for problem in problems:
        warnings.warn(str(problem), FutureWarning, stacklevel=3)
    return settings


def _too_large(file: str) -> Document:
    source = Source(file, "")
    problem = Problem(
        ProblemKind.INVALID_SYNTAX,
        "the file is too large for settings",
        source.location(Span(0, 0)),
        found=f"more than {MAX_BYTES} bytes",
        expected=f"at most {MAX_BYTES}",
    )
    return Document(source, None, (problem,))


def _undecodable(file: str, data: bytes, error: UnicodeDecodeError) -> Document:
    source = Source(file, data.decode("utf-8", errors="replace"))
    start = len(data[: error.start].decode("utf-8", errors="replace"))
    problem = Problem(
        ProblemKind.INVALID_SYNTAX,
        "the file is not text in UTF-8",
        source.location(Span(start, start + 1)),
        Span(start, start + 1),
        found=f"the byte 0x{data[error.start]:02x}",
        fix="save it as UTF-8",
    )
    return Document(source, None, (problem,))

"""A settings file as a tree whose every key and value knows its place; the same for YAML, JSON and TOML.

A `Document` says what the file contains, not what it means: `clika_core.settings.interpret` does that.
Reading one never raises: what is wrong stands in `problems`, and a file that cannot be read has no root.
"""

from __future__ import annotations

from typing import TypeAlias

from clika_core.frozen import frozen
from clika_core.settings.problems import Problem
from clika_core.settings.source import Source, Span

Node: TypeAlias = "ScalarNode | SequenceNode | MappingNode"


@frozen
class ScalarNode:
    """A single value. `text` has its characters where the format lets them stand for text: `1.10`, `no`."""

    value: object
    text: str | None
    span: Span | None


@frozen
class SequenceNode:
    """A list."""

    items: tuple[Node, ...]
    span: Span | None


@frozen
class MappingNode:
    """Keys with values, each key once, in the order of the file."""

    entries: tuple[Entry, ...]
    span: Span | None


@frozen
class Entry:
    """A key, as the file's characters, and its value."""

    key: str
    key_span: Span | None
    value: Node


@frozen
class Document:
    """The content of one file, and what is wrong with its syntax; `root` is None when it cannot be read."""

    source: Source
    root: Node | None
    problems: tuple[Problem, ...] = ()

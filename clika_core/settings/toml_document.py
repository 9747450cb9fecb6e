"""Reads TOML by `tomllib`, and finds the places of its keys by a scan of the lines.

`tomllib` keeps no places. The scan reads headers and the keys at line starts. A value has the inexact place
of its key; a key that the scan sees twice, or that stands in an inline table, that of the key around it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TypeAlias

from clika_core.errors import Location
from clika_core.frozen import replace
from clika_core.settings.document import ScalarNode
from clika_core.settings.messages import shorten
from clika_core.settings.problems import Problem, ProblemKind
from clika_core.settings.source import Source, Span
from clika_core.settings.tree_builder import MAX_DEPTH, TreeBuilder, UnreadableError

_Path: TypeAlias = tuple[str, ...]
_Places: TypeAlias = Mapping[_Path, Span | None]

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_LINE = re.compile(
    rf"^[ \t]*(?:(?P<array>\[\[)|\[[ \t]*(?P<header>{_KEY})[ \t]*\]|(?P<key>{_KEY})[ \t]*=)", re.MULTILINE
)
_REPEATED = ("Cannot overwrite", "Cannot declare", "Duplicate inline table key")
_PLACE_IN_MESSAGE = re.compile(r" \(at line (\d+), column (\d+)\)$")

MAX_CHARACTERS = 2**20  # tomllib takes a second for them
_STRING_OR_COMMENT = re.compile(r"""\"(?:[^\"\\\n]|\\.)*\"?|'[^'\n]*'?|\#[^\n]*""")
_LONG_KEY = re.compile(rf"(?:\.[ \t]*+[A-Za-z0-9_-]*+[ \t]*+){{{MAX_DEPTH}}}")


def feed_toml(builder: TreeBuilder) -> None:
    """Read the TOML text of `builder.source`; raises UnreadableError."""
    source = builder.source
    if len(source.text) > MAX_CHARACTERS:
        raise builder.unreadable(f"the TOML file has more than {MAX_CHARACTERS} characters", None)
    if _LONG_KEY.search(_STRING_OR_COMMENT.sub("x", source.text)):  # tomllib's time grows with the square
        raise builder.unreadable(f"a dotted key has more than {MAX_DEPTH} parts", None)
    try:
        content = tomllib.loads(source.text)
    except RecursionError:
        raise builder.unreadable("the file nests too deeply", None) from None
    except ValueError as error:
        raise UnreadableError(_syntax_problem(str(error), source)) from None
    _feed_value(content, (), None, _places(source.text), builder)


def _feed_value(value: object, path: _Path, near: Span | None, places: _Places, builder: TreeBuilder) -> None:
    """Hand `value` and what it contains to `builder`, whose limit on depth ends the recursion."""
    if isinstance(value, dict):
        builder.open(is_mapping=True, span=near)
        for key, inner in value.items():
            place = places.get((*path, key))
            around = near if place is None else replace(place, is_exact=False)
            builder.scalar(ScalarNode(key, None, place or near))
            _feed_value(inner, (*path, key), around, places, builder)
        builder.close()
    elif isinstance(value, list):
        builder.open(is_mapping=False, span=near)
        for item in value:
            _feed_value(item, path, near, {}, builder)
        builder.close()
    else:
        builder.scalar(ScalarNode(value, None, near))


def _places(text: str) -> dict[_Path, Span | None]:
    """The spans of the keys at line starts; None for a key that is seen twice."""
    written: dict[_Path, Span | None] = {}
    implied: dict[_Path, Span | None] = {}  # `a` by the first `[a.b]` or `a.b = 1`
    if '"""' in text or "'''" in text:
        return written  # a line may lie inside a string
    table: _Path | None = ()
    for line in _LINE.finditer(text):
        if line["array"]:
            table = None  # settings have no arrays of tables: their keys stay without a place
            continue
        if line["header"]:
            table = ()
        if table is None:
            continue
        *prefixes, (path, span) = _parts(line, table)
        for prefix, place in prefixes:
            implied.setdefault(prefix, place)
        written[path] = None if path in written else span
        if line["header"]:
            table = path
    return implied | written


def _parts(line: re.Match[str], table: _Path) -> list[tuple[_Path, Span]]:
    """Every part of the dotted key of `line`, as the path that it completes, and where it stands."""
    group = "header" if line["header"] else "key"
    found = []
    for part in re.finditer(_PART, line[group]):
        table = (*table, _unquote(part[0]))
        found.append((table, Span(line.start(group) + part.start(), line.start(group) + part.end())))
    return found


def _unquote(part: str) -> str:
    if part[0] not in "\"'":
        return part
    try:
        return str(tomllib.loads(f"part = {part}")["part"])
    except ValueError:
        return part


def _syntax_problem(message: str, source: Source) -> Problem:
    """What `tomllib` complains of; it puts the place at the end of its message."""
    place = _PLACE_IN_MESSAGE.search(message)
    kind = ProblemKind.DUPLICATE_KEY if message.startswith(_REPEATED) else ProblemKind.INVALID_SYNTAX
    text = f"the file is not TOML: {shorten(_PLACE_IN_MESSAGE.sub('', message))}"
    if place is None:
        return Problem(kind, text, source.location(Span(len(source.text), len(source.text))))
    return Problem(kind, text, Location(source.file, int(place[1]), int(place[2])))

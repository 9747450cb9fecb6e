"""Reads YAML into a `Document`, from the events of PyYAML's parser: no tags, no objects, no recursion.

Scalars are read as in YAML 1.2: `yes`, `no`, `on`, `off` and `1:30` are text, `1e-4` is a number. Keys keep
their characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from clika_core.settings.document import ScalarNode
from clika_core.settings.messages import shorten
from clika_core.settings.problems import Problem, ProblemKind
from clika_core.settings.source import FILE_START, Source, Span
from clika_core.settings.tree_builder import MERGE_KEY, TreeBuilder, UnreadableError
from clika_core.settings.yaml_import import import_yaml

_CONSTANTS: dict[str, bool | None] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,999})")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT = re.compile(r"([-+]?)\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_REFUSED_ASCII = re.compile("[^\t\n\r\x20-\x7e]")  # YAML 1.1, 5.1
_REFUSED = (
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"  # takes milliseconds to compile
)


def feed_yaml(builder: TreeBuilder) -> None:
    """Read the YAML text of `builder.source`; raises UnreadableError."""
    _refuse_characters(builder)
    yaml: Any = import_yaml()  # here: settings made in Python need no parser
    parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(builder.source.text)
    takers = _takers(yaml)
    try:
        while not isinstance(event := parser.get_event(), yaml.StreamEndEvent):
            taker = takers.get(type(event))
            if taker is not None:  # None: the start of the stream, the end of the document
                taker(event, Span(event.start_mark.index, event.end_mark.index), builder)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        raise UnreadableError(_syntax_problem(error, builder.source)) from None
    finally:
        parser.dispose()


def _takers(yaml: Any) -> dict[type, Callable[[Any, Span, TreeBuilder], None]]:
    """What to do with each kind of event."""
    return {
        yaml.ScalarEvent: _take_scalar,
        yaml.MappingStartEvent: partial(_take_start, is_mapping=True),
        yaml.SequenceStartEvent: partial(_take_start, is_mapping=False),
        yaml.MappingEndEvent: lambda _event, _span, builder: builder.close(),
        yaml.SequenceEndEvent: lambda _event, _span, builder: builder.close(),
        yaml.AliasEvent: lambda event, span, builder: builder.alias(event.anchor, span),
        yaml.DocumentStartEvent: _take_document,
    }


def _take_scalar(event: Any, span: Span, builder: TreeBuilder) -> None:
    if event.tag is not None:
        raise _tag_error(event, span, builder)
    text = event.value
    if event.implicit[0]:  # unquoted
        builder.scalar(ScalarNode(read_scalar(text), text, span), event.anchor, is_merge=text == MERGE_KEY)
    else:
        builder.scalar(ScalarNode(text, text, span), event.anchor)


def _take_start(event: Any, span: Span, builder: TreeBuilder, *, is_mapping: bool) -> None:
    if event.tag is not None:
        raise _tag_error(event, span, builder)
    builder.open(is_mapping=is_mapping, span=span, anchor=event.anchor)


def _take_document(_event: Any, span: Span, builder: TreeBuilder) -> None:
    if builder.root is not None:
        raise builder.unreadable(
            "the file holds several documents", span, fix="remove the second one and its ---"
        )


def _tag_error(event: Any, span: Span, builder: TreeBuilder) -> UnreadableError:
    tag = shorten(event.tag.replace("tag:yaml.org,2002:", "!!"))
    return builder.unreadable(
        f"the file contains the YAML tag {tag}", span, fix="remove it: settings are plain values"
    )


def read_scalar(text: str) -> object:
    """The value of an unquoted scalar: None, bool, int, float, else the text itself."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "+-.0123456789":
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and not _LEADING_ZERO.match(text):
        return float(text)
    if special := _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", "")) if special[2] else float("nan")
    return text


def _refuse_characters(builder: TreeBuilder) -> None:
    """Raise UnreadableError at the first character that no YAML file may contain."""
    text = builder.source.text
    refused = _REFUSED_ASCII.search(text) if text.isascii() else re.search(_REFUSED, text)
    if refused:
        raise builder.unreadable(
            f"the file contains the character U+{ord(refused[0]):04X}, which YAML does not allow",
            Span(*refused.span()),
            fix="remove it; the file must be text in UTF-8",
        )


def _syntax_problem(error: Exception, source: Source) -> Problem:
    """What the parser complains of, and where."""
    message = f"the file is not YAML: {getattr(error, 'problem', None) or error}"
    if context := getattr(error, "context", None):
        message += f" {context}"
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return Problem(ProblemKind.INVALID_SYNTAX, message, source.location(FILE_START))
    span = Span(mark.index, mark.index + 1)
    is_tab = source.text[span.start : span.end] == "\t"
    fix = "indent with spaces: YAML allows no tabs there" if is_tab else None
    return Problem(ProblemKind.INVALID_SYNTAX, message, source.location(span), span, fix=fix)

"""Readers of untrusted data: each takes what JSON gave and returns the typed value, or says what is wrong where.

A reader raises `Mismatch`, which collects the path on its way out (`nodes[3].outputs[0].dtype`): a file that is
right pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, TypeAlias

from clika_core.ir.graph import AttributeValue, Shape

Reader: TypeAlias = Callable[[Any], Any]

LARGEST = 2**64
DEEPEST_ATTRIBUTE = 32
NON_FINITE = {"inf": float("inf"), "-inf": float("-inf"), "nan": float("nan")}
_SHOWN = 60


class Mismatch(Exception):  # noqa: N818 - not an error a user meets: becomes a GraphError with the whole path
    """What was found and expected, and the path from the document to it, innermost step first."""

    def __init__(self, found: str, expected: str) -> None:
        """No step is known yet."""
        super().__init__(found, expected)
        self.found = found
        self.expected = expected
        self._steps: list[str] = []

    def under(self, step: str) -> Mismatch:
        """The same one step further out: `[3]` or `.name`."""
        self._steps.append(step)
        return self

    @property
    def path(self) -> str:
        """From the outermost step to the innermost."""
        return "".join(reversed(self._steps)).lstrip(".")


def shown(value: Any) -> str:
    """A value for a message: its type and, short, itself."""
    text = ascii(value) if isinstance(value, str | int | float | None) else ""
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
    return f"{_JSON_TYPES.get(type(value), type(value).__name__)} {text}".strip()


_JSON_TYPES = {
    str: "text",
    int: "the integer",
    float: "the number",
    bool: "the boolean",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


def text(value: Any) -> str:
    """Any text."""
    if type(value) is not str:
        raise Mismatch(shown(value), "text")
    return value


def word(value: Any) -> str:
    """Text that is not empty."""
    if type(value) is not str or not value:
        raise Mismatch(shown(value), "text that is not empty")
    return value


def count(value: Any) -> int:
    """An integer from 0 to 2**64."""
    if not is_count(value):
        raise Mismatch(shown(value), "an integer that is not negative")
    return value  # type: ignore[no-any-return]


def shape(value: Any) -> Shape:
    """Sizes, or the names of those that are free to change."""
    if type(value) is list and all(map(_is_size, value)):
        return tuple(value)
    return tuple_of(_size)(value)


def sizes(value: Any) -> tuple[int, ...]:
    """Integers that are not negative."""
    if type(value) is list and all(map(is_count, value)):
        return tuple(value)
    return tuple_of(count)(value)


def attribute(value: Any, depth: int = 0) -> AttributeValue:
    """A scalar, `{"float": "inf"}`, or a list of these."""
    kind = type(value)
    if kind is list:
        if depth > DEEPEST_ATTRIBUTE:
            raise Mismatch("a list", f"at most {DEEPEST_ATTRIBUTE} lists inside each other")
        return tuple_of(lambda item: attribute(item, depth + 1))(value)
    if kind is dict:
        return _non_finite(value)
    if value is None or kind is bool or kind is str:
        return value  # type: ignore[no-any-return]
    if (kind is int and abs(value) <= LARGEST) or (kind is float and isfinite(value)):
        return value  # type: ignore[no-any-return]
    raise Mismatch(shown(value), "null, a boolean, a number, text, or a list of these")


def optional(read: Reader) -> Reader:
    """What `read` reads, or null."""
    return lambda value: None if value is None else read(value)


def tuple_of(read: Reader, at_most: int | None = None) -> Callable[[Any], tuple[Any, ...]]:
    """A list whose items `read` reads, as a tuple."""

    def read_tuple(value: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise Mismatch(shown(value), "a list")
        if not value:
            return ()
        if at_most is not None and len(value) > at_most:
            raise Mismatch(f"{len(value)} items", f"at most {at_most}")
        found: list[Any] = []
        try:
            for item in value:
                found.append(read(item))
        except Mismatch as problem:
            raise problem.under(f"[{len(found)}]") from None
        return tuple(found)

    return read_tuple


def mapping_of(read: Reader) -> Callable[[Any], dict[str, Any]]:
    """An object with any keys, whose values `read` reads."""

    def read_mapping(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise Mismatch(shown(value), "an object")
        found: dict[str, Any] = {}
        key = ""
        try:
            for key, item in value.items():
                found[text(key)] = read(item)
        except Mismatch as problem:
            raise problem.under(f".{key}") from None
        return found

    return read_mapping


def record(make: Callable[..., Any], **readers: Reader) -> Reader:
    """An object with exactly the keys of `readers`; `make` gets what they read, in their order."""
    keys, reads = tuple(readers), tuple(readers.values())

    def read_record(value: Any) -> Any:
        if type(value) is dict and tuple(value) == keys:  # as we write it: the fast way
            try:
                return make(*[read(item) for read, item in zip(reads, value.values(), strict=True)])
            except Mismatch:
                pass  # read it again to say where
        return make(*_fields(value, readers))

    return read_record


def _fields(value: Any, readers: Mapping[str, Reader]) -> list[Any]:
    """The values in the order of `readers`, whatever the order of the keys."""
    if type(value) is not dict:
        raise Mismatch(shown(value), "an object")
    if value.keys() != readers.keys():
        raise _wrong_keys(value, readers)
    found: list[Any] = []
    key = ""
    try:
        for key, read in readers.items():
            found.append(read(value[key]))
    except Mismatch as problem:
        raise problem.under(f".{key}") from None
    return found


def _wrong_keys(value: dict[Any, Any], readers: Mapping[str, Reader]) -> Mismatch:
    unknown = sorted(ascii(key) for key in value.keys() - readers.keys())
    missing = sorted(ascii(key) for key in readers.keys() - value.keys())
    found = [f"unknown key {key}" for key in unknown[:3]] + [f"no key {key}" for key in missing[:3]]
    return Mismatch(", ".join(found), f"the keys {', '.join(readers) or '(none)'}")


def is_count(value: Any) -> bool:
    """Whether it is an integer from 0 to 2**64."""
    return type(value) is int and 0 <= value <= LARGEST


def _is_size(value: Any) -> bool:
    return value != "" if type(value) is str else is_count(value)


def _size(value: Any) -> int | str:
    if not _is_size(value):
        raise Mismatch(shown(value), "a size: an integer that is not negative, or the name of one")
    return value  # type: ignore[no-any-return]


def _non_finite(value: dict[Any, Any]) -> float:
    if value.keys() != {"float"} or type(value["float"]) is not str or value["float"] not in NON_FINITE:
        raise Mismatch("an object", '{"float": "inf"}, {"float": "-inf"} or {"float": "nan"}')
    return NON_FINITE[value["float"]]

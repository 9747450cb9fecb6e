"""How messages show values and near misses: short, whatever a file contains."""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.errors import nearest

_PRINTED_BITS = 256  # Python refuses to print integers of thousands of digits
_LONGEST_COMPARED = 100  # characters


def describe(value: object) -> str:
    """`value` as error messages name it: short, and with its type where the text alone would mislead."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"the text {shorten(repr(value))}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, int) and value.bit_length() > _PRINTED_BITS:
        return f"an integer of {value.bit_length()} bits"
    if isinstance(value, (int, float)):
        return shorten(repr(value))
    return f"a value of type {type(value).__name__}"


def shorten(text: str) -> str:
    """At most 60 characters of `text`, so that a message stays a message."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def closest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that `word` was probably meant to be."""
    close = nearest(word, list(candidates), limit=1) if len(word) <= _LONGEST_COMPARED else []
    return close[0] if close else None

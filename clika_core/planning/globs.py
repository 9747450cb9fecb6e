"""Globs over dotted paths, matched in time linear in pattern and text.

`*` stands for any characters within a component, `?` for one, `**` (a whole component) for any number of
components. Everything else stands for itself. A glob becomes a regular expression in which whatever stands between
two stars is an atomic group: its earliest match is as good as any later one, so nothing is ever tried twice.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

_SPECIAL = re.compile("[*?]")
_ANY = "[^.]*"


def glob_matcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether the whole of a dotted path matches `pattern`."""
    matches = _compiled(pattern).fullmatch
    return lambda text: matches(f"{text}.") is not None


def matching_words(pattern: str, words: Sequence[str]) -> Iterable[str]:
    """Those of the sorted `words` that match. Only words that begin and end as the pattern does are looked at."""
    whole = ".".join(_components(pattern))
    parts = _SPECIAL.split(whole)
    prefix, suffix = parts[0].rstrip("."), parts[-1].lstrip(".") if len(parts) > 1 else ""
    first = bisect_left(words, prefix)
    last = bisect_left(words, f"{prefix}\U0010ffff", first) if prefix else len(words)
    matches = _compiled(pattern).fullmatch
    near = words[first:last] if (first, last) != (0, len(words)) else words
    return [word for word in near if word.endswith(suffix) and matches(f"{word}.")]


def _components(pattern: str) -> list[str]:
    return [part for part in pattern.split(".") if part]


def _compiled(pattern: str) -> re.Pattern[str]:
    """The expression for a path with a dot behind it: every component, the last one too, ends with a dot."""
    runs = [
        "**" if is_star else "".join(map(_component, run))
        for is_star, run in groupby(_components(pattern), lambda part: part == "**")
    ]
    last = len(runs) - 1 - runs[::-1].index("**") if "**" in runs else None
    expression = ""
    for number, run in enumerate(runs):
        if run == "**":
            expression += f"(?:{_ANY}\\.)*" if number == last else ""
        elif number and number - 1 != last:
            expression += f"(?>(?:{_ANY}\\.)*?{run})"
        else:
            expression += run
    return re.compile(expression)


def _component(pattern: str) -> str:
    first, *rest = re.sub(r"\*+", "*", pattern).split("*")
    if not rest:
        return _literal(first) + r"\."
    between = "".join(f"(?>{_ANY}?{_literal(piece)})" for piece in rest[:-1])
    return f"(?>{_literal(first)}{between}{_ANY}{_literal(rest[-1])}\\.)"


def _literal(text: str) -> str:
    return "".join("[^.]" if character == "?" else re.escape(character) for character in text)

"""Globs over dotted paths, matched in time linear in pattern and text: no backtracking.

`*` stands for any characters within a component, `?` for one, `**` (a whole component) for any number of
components. Everything else stands for itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial


def glob_matcher(pattern: str) -> Callable[[str], bool]:
    """A function that tells whether the whole of a dotted path matches `pattern`."""
    components = [part for part in pattern.split(".") if part]
    return partial(_match_path, components)


def _match_path(pattern: Sequence[str], text: str) -> bool:
    return _greedy(pattern, text.split("."), "**", _match_component)


def _match_component(pattern: str, text: str) -> bool:
    return _greedy(pattern.replace("**", "*"), text, "*", lambda p, t: p in ("?", t))


def _greedy(pattern: Sequence[str], text: Sequence[str], star: str, fits: Callable[[str, str], bool]) -> bool:
    """Match items one by one; on a mismatch let the latest star take one item more.

    The earliest match of what stands between two stars is as good as any later one, so only the latest star
    ever has to be reconsidered.
    """
    at_pattern = at_text = 0
    star_at, taken = -1, 0
    while at_text < len(text):
        if at_pattern < len(pattern) and pattern[at_pattern] == star:
            star_at, taken = at_pattern, at_text
            at_pattern += 1
        elif at_pattern < len(pattern) and fits(pattern[at_pattern], text[at_text]):
            at_pattern += 1
            at_text += 1
        elif star_at >= 0:
            taken += 1
            at_pattern, at_text = star_at + 1, taken
        else:
            return False
    return all(item == star for item in pattern[at_pattern:])

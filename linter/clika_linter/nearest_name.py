"""The one name that was probably meant: what fixes of misspelled names put in."""

from __future__ import annotations

from collections.abc import Sequence


def single_nearest(word: str, candidates: Sequence[str]) -> str | None:
    """The candidate most like `word`, whatever its case; None where several are equally like it.

    A forced reading in front of a candidate (`op:conv`) does not count.
    """
    from difflib import SequenceMatcher  # imported here: only a mistake pays for it

    def likeness(candidate: str) -> float:
        other = candidate.rpartition(":")[2]
        return SequenceMatcher(None, word.casefold(), other.casefold()).ratio()

    ranked = sorted(candidates, key=likeness, reverse=True)
    if not ranked or (len(ranked) > 1 and likeness(ranked[0]) == likeness(ranked[1])):
        return None
    return ranked[0]

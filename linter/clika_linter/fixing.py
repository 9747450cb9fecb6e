"""Applies edits to a text."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clika_linter.finding import Edit


def apply_edits(text: str, fixes: Iterable[Sequence[Edit]]) -> str:
    """`text` with as many of the fixes as do not overlap, in order of their place; a fix is whole or not at all."""
    taken: list[Edit] = []
    for edits in sorted(fixes, key=lambda edits: sorted(edits)[:1]):
        if not any(_overlap(edit, other) for edit in edits for other in taken):
            taken += edits
    for edit in sorted(taken, reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return text


def _overlap(a: Edit, b: Edit) -> bool:
    """Whether two edits touch the same characters, or put text at the same place."""
    if a.start == a.end or b.start == b.end:
        return (
            a.start <= b.start <= a.end
            if a.start == a.end == b.start
            else a.start < b.end and b.start < a.end
        )
    return a.start < b.end and b.start < a.end

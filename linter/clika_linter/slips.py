"""Whether a name is another one misspelt, beyond doubt."""

from __future__ import annotations


def is_slip(old: str, new: str) -> bool:
    """Whether the names differ by case, hyphens and underscores alone, or by one character or one swap."""
    if _squash(old) == _squash(new):
        return True
    start = _length_in_common(old, new)
    old, new = old[start:], new[start:]
    end = _length_in_common(old[::-1], new[::-1])
    old, new = old[: len(old) - end], new[: len(new) - end]
    return max(len(old), len(new)) <= 1 or (len(old) == 2 and old == new[::-1])


def _length_in_common(first: str, second: str) -> int:
    """Of the longest common start."""
    shorter = min(len(first), len(second))
    return next((i for i in range(shorter) if first[i] != second[i]), shorter)


def _squash(name: str) -> str:
    return name.replace("-", "").replace("_", "").casefold()

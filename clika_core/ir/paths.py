"""Module paths, written one way: components joined by dots.

Node paths and the selectors of skip rules go through the same function, so that `blocks[3]/attn`, as one
framework says it, and `blocks.3.attn`, as another does, are one path.
"""

from __future__ import annotations

import re

_SEPARATORS = re.compile(r"""(?:[./]|\[['"]?|['"]?\])+""")  # `.`, `/`, and brackets with their quotes


def normalise_path(path: str) -> str:
    """`path` with its components joined by `.`: `a/b[0]` and `['a'].b.0` become `a.b.0`."""
    return _SEPARATORS.sub(".", path).strip(".")


def common_path(paths: list[str]) -> str | None:
    """The deepest path that all normalised `paths` lie below or are; None where they share nothing."""
    if not paths:
        return None
    shared = paths[0].split(".")
    for path in paths[1:]:
        parts = path.split(".")
        agree = next((i for i, (a, b) in enumerate(zip(shared, parts, strict=False)) if a != b), None)
        shared = shared[: min(len(shared), len(parts)) if agree is None else agree]
    return ".".join(shared) or None

"""How nodes are named: operator type in snake case, and a counter per type from 1."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from clika_core.ir.paths import normalise_path

_WORD_STARTS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z0-9])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")


def snake_case(type_name: str) -> str:
    """A type as the stem of a name, in [a-z0-9_]: `Conv2D` is `conv2d`, `aten.foo` is `aten_foo`."""
    return _OTHER.sub("_", _WORD_STARTS.sub("_", type_name).lower()).strip("_") or "operator"


class Names:
    """The names given so far: none is given twice."""

    def __init__(self) -> None:
        """Nothing is taken yet."""
        self._taken: set[str] = set()
        self._counters: Counter[str] = Counter()

    def number(self, stem: str) -> str:
        """The next `stem_1`, `stem_2`, ...; a number whose name is taken is passed over."""
        while True:
            self._counters[stem] += 1
            name = f"{stem}_{self._counters[stem]}"
            if name not in self._taken:
                self._taken.add(name)
                return name

    def claim(self, wanted: str) -> str:
        """`wanted` itself where it is free, else `wanted_2`, `wanted_3`, ..."""
        name, suffix = wanted, 1
        while name in self._taken:
            suffix += 1
            name = f"{wanted}_{suffix}"
        self._taken.add(name)
        return name


def input_names(paths: Sequence[str | None], names: Names) -> list[str]:
    """The names of a graph's inputs: after their arguments, which come first; those without one are numbered."""
    given = [names.claim(normalise_path(path)) if path else None for path in paths]
    return [name or names.number("input") for name in given]

"""`Disjoint`: numbered things of which some turn out to be the same, and some are marked."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class Disjoint:
    """Numbers 0, 1, ... in classes. A class is known by its `roots` entry; it is marked where any of it was."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._parents: list[int] = []
        self._marked: set[int] = set()

    def __len__(self) -> int:
        """How many numbers there are."""
        return len(self._parents)

    def add(self, count: int) -> Numbers:
        """That many new numbers, each alone."""
        first = len(self._parents)
        self._parents += range(first, first + count)
        return np.arange(first, first + count)

    def join(self, first: Numbers, second: Numbers) -> None:
        """Make numbers beside each other the same."""
        for a, b in zip(first.tolist(), second.tolist(), strict=True):
            self._parents[self._root(a)] = self._root(b)

    def mark(self, numbers: Numbers) -> None:
        """Mark the classes of these, whatever they are joined with."""
        self._marked.update(numbers.tolist())

    @property
    def roots(self) -> Numbers:
        """The class of each number, as one number of it."""
        return np.array([self._root(number) for number in range(len(self))], np.int64)

    @property
    def marked(self) -> NDArray[np.bool_]:
        """Per number, whether its class, by its root, is marked: [count], True at roots alone."""
        found = np.zeros(len(self), bool)
        found[[self._root(number) for number in self._marked]] = True
        return found

    def _root(self, number: int) -> int:
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

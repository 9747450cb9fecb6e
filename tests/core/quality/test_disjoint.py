"""Numbers become the same, directly or by a third; a mark holds for all of a class."""

from __future__ import annotations

import numpy as np

from clika_core.quality.disjoint import Disjoint


def test_numbers_are_alone_at_first() -> None:
    found = Disjoint()
    np.testing.assert_array_equal(found.add(2), [0, 1])
    np.testing.assert_array_equal(found.add(3), [2, 3, 4])
    assert len(set(found.roots.tolist())) == len(found) == 5


def test_joined_numbers_have_one_root_also_by_a_third() -> None:
    found = Disjoint()
    found.add(5)
    found.join(np.array([0, 3]), np.array([1, 4]))
    found.join(np.array([4]), np.array([1]))
    roots = found.roots
    assert len({roots[i] for i in (0, 1, 3, 4)}) == 1
    assert roots[2] not in roots[[0, 1, 3, 4]]


def test_a_mark_holds_for_what_is_joined_later() -> None:
    found = Disjoint()
    found.add(4)
    found.mark(np.array([0]))
    found.join(np.array([0]), np.array([2]))
    assert [bool(found.marked[found.roots[i]]) for i in range(4)] == [True, False, True, False]

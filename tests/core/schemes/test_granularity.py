"""Granularity: the shape of `scale`."""

from __future__ import annotations

import pytest

from clika_core.errors import NumericsError
from clika_core.schemes import Granularity, PerChannel, PerGroup, PerTensor


@pytest.mark.parametrize(
    ("granularity", "shape"),
    [
        (PerTensor(), ()),
        (PerChannel(0), (6,)),
        (PerChannel(1), (70,)),
        (PerChannel(-1), (3,)),
        (PerGroup(1, 32), (6, 3, 3)),
        (PerGroup(1, 35), (6, 2, 3)),
        (PerGroup(-2, 128), (6, 1, 3)),
    ],
    ids=str,
)
def test_scale_has_the_stated_shape(granularity: Granularity, shape: tuple[int, ...]) -> None:
    assert granularity.scale_shape((6, 70, 3)) == shape


@pytest.mark.parametrize("granularity", [PerChannel(3), PerChannel(-4), PerGroup(3, 32)], ids=str)
def test_an_axis_that_the_array_lacks_is_refused(granularity: Granularity) -> None:
    with pytest.raises(NumericsError, match=r"for shape \[6, 70, 3\]"):
        granularity.scale_shape((6, 70, 3))


def test_an_empty_group_is_refused() -> None:
    with pytest.raises(NumericsError, match="size 0"):
        PerGroup(0, 0)

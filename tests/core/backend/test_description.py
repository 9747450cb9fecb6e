"""A framework outside the tested range is told so; a patch release is inside."""

from __future__ import annotations

import pytest

from clika_core.backend.interface import BackendDescription


def caution(version: str | None, tested: tuple[str, str] | None = ("2.10", "2.13.0")) -> str | None:
    return BackendDescription("b", "Framework", version, tested=tested).caution


@pytest.mark.parametrize("version", ["2.10", "2.10.1", "2.12.9", "2.13.0+cpu", "2.13.4", None])
def test_inside_the_range_nothing_is_said(version: str | None) -> None:
    assert caution(version) is None


@pytest.mark.parametrize("version", ["2.9.1", "1.99", "2.14", "2.14.0.dev1", "3.0"])
def test_outside_it_the_range_is_named(version: str) -> None:
    assert (
        caution(version)
        == f"Framework {version} is outside the tested range (2.10 to 2.13.0): results may differ"
    )


def test_who_tells_no_range_is_never_cautioned() -> None:
    assert caution("9", None) is None


def test_a_range_of_one_release_is_told_as_one() -> None:
    assert "tested range (2.13.0)" in str(caution("3.1", ("2.13.0", "2.13.0")))

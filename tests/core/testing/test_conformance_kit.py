"""The kit cannot be bent: checks stay as they are, and a gap is expected to be one."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_core.testing import TargetConformance


def test_a_check_cannot_be_overridden() -> None:
    with pytest.raises(TypeError, match="Bent overrides test_a_network_is_planned"):

        class Bent(TargetConformance):
            def test_a_network_is_planned(self, target: Target) -> None:
                """Nothing is checked."""


def test_a_check_cannot_be_overridden_through_a_mixin() -> None:
    class Mixin:
        test_support_says_yes_or_why_not = None

    with pytest.raises(TypeError, match="Mixin overrides test_support_says_yes_or_why_not"):
        type("Bent", (Mixin, TargetConformance), {})


def test_the_gaps_cannot_be_overridden() -> None:
    with pytest.raises(TypeError, match="overrides gaps"):
        type("Bent", (TargetConformance,), {"gaps": ()})


def test_checks_cannot_be_marked() -> None:
    with pytest.raises(TypeError, match="state gaps instead"):
        type("Bent", (TargetConformance,), {"pytestmark": pytest.mark.skip})


def test_replacing_a_check_later_is_noticed() -> None:
    made: Any = type("Bent", (TargetConformance,), {})
    made().test_the_checks_are_the_kits_own()
    made.test_a_network_is_planned = lambda _: None
    with pytest.raises(AssertionError, match="Bent replaces test_a_network_is_planned"):
        made().test_the_checks_are_the_kits_own()


def test_own_tests_and_the_fixture_are_allowed() -> None:
    def target(_: object) -> Target:
        return ORT

    type("Fine", (TargetConformance,), {"target": target, "test_something_else": lambda _: None})


class _Outcomes:
    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.failed:
            is_expected = hasattr(report, "wasxfail")
            self.found[report.nodeid.rpartition("::")[2]] = "gap" if is_expected else report.outcome


GAPPED = """
import pytest
from clika_core.backend.gaps import Gap, GapKind
from clika_core.testing.conformance.kit import Kit

KNOWN = [Gap("sums", GapKind.NOT_YET, "nobody wrote them", ("test_sum", "test_both[open]", "[model]"))]

class SumKit(Kit):
    __module__ = "clika_core.testing.conformance.sums"
    supplied = ("gaps",)

    def test_sum(self):
        assert 1 + 1 == 3

    @pytest.mark.parametrize("name", ["open", "closed", "model"])
    def test_both(self, name):
        assert name == "closed"

    def test_product(self):
        assert 2 * 2 == 4

class TestSum(SumKit):
    @pytest.fixture
    def gaps(self):
        return KNOWN
"""


@pytest.mark.parametrize(("is_closed", "outcome"), [(False, "gap"), (True, "failed")])
def test_what_a_gap_names_has_to_fail(tmp_path: Path, is_closed: bool, outcome: str) -> None:
    text = textwrap.dedent(GAPPED)
    (tmp_path / f"test_sum_{outcome}.py").write_text(text.replace("== 3", "== 2") if is_closed else text)
    seen = _Outcomes()
    options = ["-p", "no:cacheprovider", "--tb=no", "-o", "xfail_strict=true"]
    pytest.main([str(tmp_path), f"--rootdir={tmp_path}", *options], plugins=[seen])
    assert seen.found == {
        "test_sum": outcome,
        "test_both[open]": "gap",
        "test_both[closed]": "passed",
        "test_both[model]": "gap",
        "test_product": "passed",
        "test_the_checks_are_the_kits_own": "passed",
    }

"""Each deliberately wrong backend fails the kit where it is wrong, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.mutants import MUTANTS

SUITE = Path(__file__).with_name("mutant_suite.py")
FEW = "not (gated or branches or residual or depthwise or two_outputs or lstm)"


class _Outcomes:
    """Runs the suite on one mutant and keeps the names of the checks that failed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.passed: set[str] = set()
        self.failed: set[str] = set()

    @pytest.fixture
    def mutant(self) -> str:
        return self._name

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        check = report.nodeid.rpartition("::")[2].partition("[")[0]
        if report.failed:
            self.failed.add(check)
        elif report.when == "call":
            self.passed.add(check)


def outcomes(name: str) -> _Outcomes:
    found = _Outcomes(name)
    options = ["--tb=no", "-p", "no:cacheprovider", "-k", FEW]
    pytest.main([str(SUITE), *options], plugins=[found])
    return found


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_backend_fails_where_it_is_wrong(name: str) -> None:
    found = outcomes(name)
    assert found.failed == MUTANTS[name][1]
    assert len(found.passed) > 25

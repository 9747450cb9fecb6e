"""Which checks of the kit fail on a backend that is wrong on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest


class Outcomes:
    """Runs a suite on the backend called `name`, its fixture `mutant`, and keeps which checks passed and failed."""

    def __init__(self, name: str) -> None:
        """Nothing ran yet."""
        self._name = name
        self.passed: set[str] = set()
        self.failed: set[str] = set()

    @pytest.fixture
    def mutant(self) -> str:
        """What the suite's harness takes."""
        return self._name

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the name of the check, without its parameters."""
        check = report.nodeid.rpartition("::")[2].partition("[")[0]
        if report.failed:
            self.failed.add(check)
        elif report.when == "call":
            self.passed.add(check)


def outcomes(suite: Path, name: str, selection: str) -> Outcomes:
    """Of the checks in the file `suite` that `-k selection` chooses."""
    found = Outcomes(name)
    pytest.main([str(suite), "--tb=no", "-p", "no:cacheprovider", "-k", selection], plugins=[found])
    return found

"""Each deliberately wrong backend fails the kit where it is wrong, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plugins.kit_outcomes import outcomes
from tests.plugins.mutants import MUTANTS

SUITE = Path(__file__).with_name("mutant_suite.py")
FEW = "not (gated or branches or residual or depthwise or two_outputs or lstm)"


@pytest.mark.parametrize("name", MUTANTS)
def test_a_wrong_backend_fails_where_it_is_wrong(name: str) -> None:
    found = outcomes(SUITE, name, FEW)
    assert found.failed == MUTANTS[name][1]
    assert len(found.passed) > 25

"""Each torch backend with one wrong gradient fails the kit where it is wrong, and nowhere else among gradients."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backends.torch.wrong_gradients import WRONG
from tests.plugins.kit_outcomes import outcomes

SUITE = Path(__file__).with_name("wrong_gradients_suite.py")
GRADIENTS = "test_gradients and not add_up"


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_gradient_fails_where_it_is_wrong(name: str) -> None:
    found = outcomes(SUITE, name, GRADIENTS)
    assert found.failed == WRONG[name][1]
    assert len(found.passed) >= 3

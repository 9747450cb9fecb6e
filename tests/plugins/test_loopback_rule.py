"""The plugin's lint rule keeps every promise that the linter's kit knows."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clika_linter.rule import Rule
from clika_linter.testing import CHECKS
from clika_loopback.lint_rule import OneScaleForManyChannels


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_one_scale_for_many_channels(check: Callable[[type[Rule]], None]) -> None:
    check(OneScaleForManyChannels)

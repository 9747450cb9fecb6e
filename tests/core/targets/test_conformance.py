"""Every target that is registered passes the kit that a stranger's has to pass."""

from __future__ import annotations

import pytest

from clika_core.plugins.registry import targets
from clika_core.targets.target import Target
from clika_core.testing import TargetConformance


class TestTargets(TargetConformance):
    @pytest.fixture(params=targets())
    def target(self, request: pytest.FixtureRequest) -> Target:
        return targets()[request.param]

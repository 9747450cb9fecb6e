"""The loopback plugin passes the conformance kits as a stranger's would."""

from __future__ import annotations

import pytest

from clika_core.targets.target import Target
from clika_core.testing import BackendConformance, BackendHarness, ObserverConformance, TargetConformance
from clika_core.testing.conformance.observer import MakeObserver
from clika_loopback.observer import PowerOfTwoObserver
from clika_loopback.target import EDGE
from tests.plugins.loopback_harness import LoopbackHarness


class TestLoopback(BackendConformance):
    @pytest.fixture
    def harness(self) -> BackendHarness:
        return LoopbackHarness()


class TestPowerOfTwo(ObserverConformance):
    @pytest.fixture
    def make_observer(self) -> MakeObserver:
        return PowerOfTwoObserver


class TestEdge(TargetConformance):
    @pytest.fixture
    def target(self) -> Target:
        return EDGE

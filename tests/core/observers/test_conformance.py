"""Every observer that the project brings passes the kit that a stranger's has to pass."""

from __future__ import annotations

import pytest

from clika_core.observers import OBSERVERS
from clika_core.testing import ObserverConformance
from clika_core.testing.conformance.observer import MakeObserver


class TestObservers(ObserverConformance):
    @pytest.fixture(params=OBSERVERS)
    def make_observer(self, request: pytest.FixtureRequest) -> MakeObserver:
        return OBSERVERS[request.param]

"""Every observer that the project brings passes the kit that a stranger's has to pass."""

from __future__ import annotations

import pytest

from clika_core.observers import OBSERVERS
from clika_core.settings.sections import OBSERVER_NAMES
from clika_core.testing import ObserverConformance
from clika_core.testing.conformance.observer import MakeObserver


def test_settings_and_linter_know_every_observer_by_its_name() -> None:
    assert set(OBSERVER_NAMES) == set(OBSERVERS)


class TestObservers(ObserverConformance):
    @pytest.fixture(params=OBSERVERS)
    def make_observer(self, request: pytest.FixtureRequest) -> MakeObserver:
        return OBSERVERS[request.param]

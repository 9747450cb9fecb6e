"""Random numbers where no framework is."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.training.randomness import Randomness


class NoFramework:
    """As much of a backend as random numbers need, with none of its own."""

    def set_seed(self, seed: int) -> None:
        """There is nothing to seed."""

    def random_state(self) -> dict[str, Any]:
        """There is nothing to keep."""
        return {}

    def set_random_state(self, state: dict[str, Any]) -> None:
        """There is nothing to restore."""
        assert state == {}


@pytest.fixture
def randomness() -> Randomness:
    """Seeded."""
    made = Randomness(NoFramework())  # type: ignore[arg-type]
    made.seed(0)
    return made

"""The JAX backend passes the kit that defines what a backend is."""

from __future__ import annotations

import pytest

from clika_core.testing import BackendConformance, BackendHarness
from tests.backends.jax.harness import JaxHarness


class TestJax(BackendConformance):
    @pytest.fixture
    def harness(self) -> BackendHarness:
        return JaxHarness()

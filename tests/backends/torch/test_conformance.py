"""The torch backend passes the kit that defines what a backend is."""

from __future__ import annotations

import pytest

from clika_core.testing import BackendConformance, BackendHarness
from tests.backends.torch.harness import TorchHarness


class TestTorch(BackendConformance):
    @pytest.fixture
    def harness(self) -> BackendHarness:
        return TorchHarness()

"""The kit over one wrong backend: run by `test_wrong_gradients`, not collected by itself."""

from __future__ import annotations

import pytest

from clika_core.testing import BackendConformance, BackendHarness
from tests.backends.torch.harness import TorchHarness
from tests.backends.torch.wrong_gradients import WRONG, Wrong


class TestWrong(BackendConformance):
    @pytest.fixture
    def harness(self, mutant: str) -> BackendHarness:
        return TorchHarness(Wrong(WRONG[mutant][0]))

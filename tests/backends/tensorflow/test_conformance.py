"""The TensorFlow backend passes the kit that defines what a backend is."""

from __future__ import annotations

import pytest

from clika_core.testing import BackendConformance, BackendHarness
from tests.backends.tensorflow.harness import TensorFlowHarness


class TestTensorFlow(BackendConformance):
    @pytest.fixture
    def harness(self) -> BackendHarness:
        return TensorFlowHarness()

"""The kit over one mutant: run by `test_kit_notices`, not collected by itself."""

from __future__ import annotations

import pytest

from clika_core.testing import BackendConformance, BackendHarness
from tests.plugins.loopback_harness import LoopbackHarness
from tests.plugins.mutants import MUTANTS


class TestMutant(BackendConformance):
    @pytest.fixture
    def harness(self, mutant: str) -> BackendHarness:
        return LoopbackHarness(MUTANTS[mutant][0])

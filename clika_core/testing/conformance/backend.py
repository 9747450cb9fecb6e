"""`BackendConformance`: the definition of "a backend works". Read the package's docstring first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Final

import pytest

from clika_core.backend.gaps import Gap
from clika_core.backend.interface import ArrayOps
from clika_core.testing.conformance.architectures import ARCHITECTURES
from clika_core.testing.conformance.case import Case
from clika_core.testing.conformance.checks.arrays import ArrayChecks
from clika_core.testing.conformance.checks.execution import ExecutionChecks
from clika_core.testing.conformance.checks.inputs import InputChecks
from clika_core.testing.conformance.checks.naming import NamingChecks
from clika_core.testing.conformance.checks.numerics import NumericsChecks
from clika_core.testing.conformance.checks.parameters import ParameterChecks
from clika_core.testing.conformance.checks.quantization import QuantizationChecks
from clika_core.testing.conformance.checks.training import TrainingChecks
from clika_core.testing.conformance.harness import BackendHarness

_MADE: Final = pytest.StashKey[dict[str, Case]]()


class BackendConformance(
    NumericsChecks,
    ArrayChecks,
    NamingChecks,
    ExecutionChecks,
    InputChecks,
    ParameterChecks,
    QuantizationChecks,
    TrainingChecks,
):
    """Subclass this with a fixture `harness` that returns your `BackendHarness`."""

    supplied: ClassVar[tuple[str, ...]] = ("harness",)

    @pytest.fixture
    def harness(self) -> BackendHarness:
        """The author's part."""
        raise NotImplementedError("define a fixture `harness` in the subclass")

    @pytest.fixture
    def gaps(self, harness: BackendHarness) -> Sequence[Gap]:
        """What the backend says it cannot do."""
        return harness.backend.describe().gaps

    @pytest.fixture
    def cases(self, harness: BackendHarness, request: pytest.FixtureRequest) -> Callable[[str], Case]:
        """Reference models by name, each made once for all checks of a subclass."""
        made: dict[str, Case] = request.node.parent.stash.setdefault(_MADE, {})

        def case(name: str) -> Case:
            return made.setdefault(name, Case(name, harness))

        return case

    @pytest.fixture(params=ARCHITECTURES)
    def case(self, request: pytest.FixtureRequest, cases: Callable[[str], Case]) -> Case:
        """Every reference model in turn."""
        return cases(request.param)

    @pytest.fixture
    def simple(self, cases: Callable[[str], Case]) -> Case:
        """One reference model, for checks that do not depend on which."""
        return cases("bypass")

    @pytest.fixture
    def classifier(self, cases: Callable[[str], Case]) -> Case:
        """The reference model with a norm to fold."""
        return cases("classifier")

    @pytest.fixture
    def arrays(self, cases: Callable[[str], Case]) -> ArrayOps:
        """The backend's operations on arrays."""
        return cases("bypass").traced.arrays

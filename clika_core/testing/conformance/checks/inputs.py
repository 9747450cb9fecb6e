"""Inputs that do not fit are named; models that are not the backend's are left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clika_core.errors import ClikaError, DataError
from clika_core.testing.conformance.case import Case, assert_close, natively
from clika_core.testing.conformance.harness import BackendHarness
from clika_core.testing.conformance.kit import Kit


class InputChecks(Kit):
    """`accepts`, `describe`, `flatten_inputs`, and what `trace` refuses."""

    def test_a_backend_knows_its_models(self, harness: BackendHarness, simple: Case) -> None:
        """And no others."""
        assert harness.backend.accepts(simple.subject.model)
        assert not any(harness.backend.accepts(other) for other in (3, "model", None, object(), np.zeros(3)))

    def test_a_backend_describes_itself(self, harness: BackendHarness) -> None:
        """Installed, without problems; every gap says why."""
        found = harness.backend.describe()
        assert (found.name, found.problem) == (harness.backend.name, None)
        assert found.version
        assert found.devices
        assert all(gap.what and gap.why for gap in found.gaps)

    def test_arrays_of_numpy_are_inputs(self, case: Case) -> None:
        """In the order of the graph's inputs, as the data of users is."""
        given = tuple(case.numpy_inputs(3))
        found = case.traced.interpret(case.traced.flatten_inputs(given), natively)
        assert_close([case.numpy(x)[0] for x in found], case.expected(case.inputs(3)))

    def test_another_shape_is_refused(self, case: Case) -> None:
        """DataError naming the input."""
        (first, *rest) = case.numpy_inputs(2)
        self._refused(case, (first[..., :-1], *rest), case.traced.graph.inputs[0].name)

    def test_another_rank_is_refused(self, case: Case) -> None:
        """DataError naming the input."""
        (first, *rest) = case.numpy_inputs(2)
        self._refused(case, (first[0], *rest), case.traced.graph.inputs[0].name)

    def test_another_dtype_is_refused(self, case: Case) -> None:
        """DataError naming the input: nothing is cast in silence."""
        (first, *rest) = case.numpy_inputs(2)
        other = first.astype(np.float64 if first.dtype == np.float32 else np.float32)
        self._refused(case, (other, *rest), case.traced.graph.inputs[0].name)

    def test_one_input_too_many_is_refused(self, simple: Case) -> None:
        """DataError."""
        given = simple.numpy_inputs(2)
        self._refused(simple, (*given, given[0]), "")

    def test_no_input_is_refused(self, simple: Case) -> None:
        """DataError."""
        self._refused(simple, (), "")

    def test_example_inputs_that_do_not_fit_are_refused(self, simple: Case) -> None:
        """With an error of the project's own, which says what was found."""
        (first, *rest) = simple.numpy_inputs(2)
        with pytest.raises(ClikaError):
            simple.harness.backend.trace(simple.subject.model, (first[..., :-1], *rest))

    @staticmethod
    def _refused(case: Case, given: Any, name: str) -> None:
        with pytest.raises(DataError) as error:
            case.traced.flatten_inputs(given)
        assert name in str(error.value)
        assert error.value.expected

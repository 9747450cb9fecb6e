"""Faithfulness: a traced model computes what the user's model computes, and a visitor rules what each layer gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from clika_core.backend.interface import Array, LayerCall
from clika_core.backend.preprocessing import preprocess
from clika_core.testing.conformance.case import Case, assert_close, natively
from clika_core.testing.conformance.kit import Kit


class ExecutionChecks(Kit):
    """`run`, `interpret` and `preprocess`."""

    @pytest.mark.parametrize("size", [1, 2, 5])
    def test_running_gives_the_models_result(self, case: Case, size: int) -> None:
        """At every batch size, on new inputs, within float rounding."""
        inputs = case.inputs(size, seed=size)
        assert_close(case.numpy(case.traced.run(inputs)), case.expected(inputs))

    def test_interpreting_gives_the_values_of_the_outputs(self, case: Case) -> None:
        """Beside `graph.outputs`; the visitor sees every layer once, in order, with its inputs and weights."""
        seen: list[str] = []

        def visitor(call: LayerCall) -> Sequence[Array]:
            seen.append(call.node.name)
            assert len(call.inputs) == len(call.node.inputs)
            assert set(call.weights) == {weight.role for weight in call.node.weights}
            outputs = call.run()
            for array, value in zip(outputs, call.node.outputs, strict=True):
                assert len(array.shape) == len(value.shape), call.node.name
            return outputs

        found = case.traced.interpret(case.native_inputs(3), visitor)
        assert_close([case.numpy(x)[0] for x in found], case.expected(case.inputs(3)))
        assert seen == [node.name for node in case.traced.graph.layers]

    def test_what_a_visitor_returns_is_what_readers_get(self, case: Case) -> None:
        """Zeros in place of the last layer's values come out as zeros."""
        last = {node.inputs[0].producer for node in case.traced.graph.outputs}

        def visitor(call: LayerCall) -> Sequence[Array]:
            outputs = call.run()
            if call.node.name not in last:
                return outputs
            arrays = case.traced.arrays
            return tuple(arrays.from_numpy(np.zeros(x.shape, np.float32), like=x) for x in outputs)

        for value in case.traced.interpret(case.native_inputs(2), visitor):
            assert not np.any(case.traced.arrays.to_numpy(value))

    def test_a_layer_runs_on_the_inputs_it_is_given(self, case: Case) -> None:
        """The first layer, run on zeros, gives what it gives for a model input of zeros."""
        arrays = case.traced.arrays
        zeros = [arrays.from_numpy(np.zeros_like(x)) for x in case.numpy_inputs(2)]
        first = case.traced.graph.layers[0].name
        given: list[Any] = []

        def keep(call: LayerCall) -> Sequence[Array]:
            if call.node.name == first:
                blank = [
                    arrays.from_numpy(np.zeros_like(np.asarray(arrays.to_numpy(x)))) for x in call.inputs
                ]
                given.extend(np.asarray(arrays.to_numpy(x)) for x in call.run(blank))
            return call.run()

        case.traced.interpret(case.native_inputs(2), keep)
        from_inputs, given = given, []
        case.traced.interpret(zeros, keep)
        assert_close(from_inputs, given, 0.0)

    def test_values_are_not_overwritten(self, case: Case) -> None:
        """What a visitor saw stays what it was: no layer works in place."""
        kept: list[tuple[Array, Any]] = []
        arrays = case.traced.arrays

        def visitor(call: LayerCall) -> Sequence[Array]:
            outputs = call.run()
            kept.extend((value, np.array(arrays.to_numpy(value))) for value in (*call.inputs, *outputs))
            return outputs

        case.traced.interpret(case.native_inputs(2), visitor)
        for value, before in kept:
            np.testing.assert_array_equal(np.asarray(arrays.to_numpy(value)), before)

    def test_running_twice_gives_the_same(self, case: Case) -> None:
        """To the last bit."""
        inputs = case.inputs(4)
        assert_close(case.numpy(case.traced.run(inputs)), case.numpy(case.traced.run(inputs)), 0.0)

    def test_preprocessing_keeps_the_result(self, case: Case) -> None:
        """Within float rounding, without visiting what was removed."""
        prepared = preprocess(case.traced)
        inputs = case.inputs(5, seed=1)
        assert_close(case.numpy(prepared.run(inputs)), case.expected(inputs), 1e-4)
        visited: list[str] = []

        def visitor(call: LayerCall) -> Sequence[Array]:
            visited.append(call.node.name)
            return call.run()

        prepared.interpret(prepared.flatten_inputs(inputs), visitor)
        assert set(visited).isdisjoint(prepared.removed)
        assert len(prepared.removed) == len(case.architecture.hosts)

    def test_preprocessing_changes_nothing_but_its_copy(self, classifier: Case) -> None:
        """The trace it was made from runs as before."""
        traced, inputs = classifier.trace(2), classifier.inputs(3)
        before = classifier.numpy(traced.run(inputs))
        prepared = preprocess(traced)
        for node in prepared.graph.layers:
            own = prepared.parameters(node.name)
            for role in filter(_is_trained, list(own)):
                own[role] = np.zeros_like(own[role])
        assert_close(classifier.numpy(traced.run(inputs)), before, 0.0)

    def test_the_users_model_never_changes(self, case: Case) -> None:
        """Traced, preprocessed, written to, quantized: the object is as it was, and computes the same."""
        model, harness = case.subject.model, case.harness
        before, inputs = harness.state(model), case.inputs(2)
        result = case.expected(inputs)
        traced = case.trace(2)
        for node in traced.graph.layers:
            own = traced.parameters(node.name)
            for role in filter(_is_trained, list(own)):
                own[role] = np.zeros_like(own[role])
        traced.interpret(traced.flatten_inputs(inputs), natively)
        after = harness.state(model)
        assert list(after) == list(before)
        for name, array in before.items():
            np.testing.assert_array_equal(after[name], array, name)
        assert_close(case.expected(inputs), result, 0.0)


def _is_trained(role: str) -> bool:
    """Whether an operand is a parameter for certain: others may be made of sizes, and cannot be written."""
    return role in ("weight", "bias") or role.startswith("weights.")

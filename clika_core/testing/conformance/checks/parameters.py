"""Parameters: read as copies, written to one traced model alone, and used by the layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from clika_core.backend.interface import Array, LayerCall
from clika_core.errors import GraphError
from clika_core.testing.conformance.case import Case, assert_close
from clika_core.testing.conformance.kit import Kit


class ParameterChecks(Kit):
    """`TracedModel.parameters` and the weights of a `LayerCall`."""

    def test_parameters_have_the_shapes_of_the_graph(self, case: Case) -> None:
        """By role, in the graph's layout."""
        for node in case.traced.graph.layers:
            held = case.traced.parameters(node.name)
            assert set(held) == {weight.role for weight in node.weights}
            assert len(held) == len(node.weights)
            for weight in node.weights:
                assert (held[weight.role].shape, str(held[weight.role].dtype)) == (weight.shape, weight.dtype)

    def test_written_parameters_are_used(self, classifier: Case) -> None:
        """Twice the weight and bias of the last layer give twice the result."""
        traced, inputs = classifier.trace(2), classifier.inputs(3)
        before = classifier.numpy(traced.run(inputs))
        held = traced.parameters(traced.graph.layers[-1].name)
        for role in list(held):
            held[role] = 2 * held[role]
        assert_close(classifier.numpy(traced.run(inputs)), [2 * x for x in before], 1e-6)

    def test_what_is_read_is_a_copy(self, classifier: Case) -> None:
        """Writing into it changes nothing."""
        traced = classifier.trace(2)
        name = traced.graph.layers[0].name
        before = np.array(traced.parameters(name)["weight"])
        copy = traced.parameters(name)["weight"]
        if copy.flags.writeable:
            copy[...] = 7
        np.testing.assert_array_equal(traced.parameters(name)["weight"], before)

    def test_one_use_of_a_shared_weight_is_written_alone(self, cases: Callable[[str], Case]) -> None:
        """The other layer keeps its own."""
        traced = cases("shared").trace(2)
        first, second, _ = [node.name for node in traced.graph.layers if node.type == "linear"]
        before = np.array(traced.parameters(second)["weight"])
        traced.parameters(first)["weight"] = np.zeros_like(before)
        np.testing.assert_array_equal(traced.parameters(second)["weight"], before)
        assert not np.any(traced.parameters(first)["weight"])

    def test_a_bias_can_be_added(self, classifier: Case) -> None:
        """Where the operator has one and the layer does not; it is added per output channel."""
        traced, inputs = classifier.trace(2), classifier.native_inputs(2)
        node = traced.graph.layers[0]
        (weight,) = node.weights
        channels = next(size for size in node.outputs[0].shape if size == 8)
        assert channels in weight.shape
        found: list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]] = []

        def visitor(call: LayerCall) -> Sequence[Array]:
            outputs = call.run()
            if call.node.name == node.name:
                found.append(np.asarray(traced.arrays.to_numpy(outputs[0])))
            return outputs

        traced.interpret(inputs, visitor)
        traced.parameters(node.name)["bias"] = np.full(channels, 3, np.float32)
        traced.interpret(inputs, visitor)
        assert_close([found[1]], [found[0] + 3], 1e-6)

    def test_a_role_that_is_none_is_refused(self, simple: Case) -> None:
        """GraphError naming layer and role."""
        traced = simple.trace(2)
        with pytest.raises(GraphError, match="gamma"):
            traced.parameters(traced.graph.layers[0].name)["gamma"] = np.zeros(6, np.float32)

    def test_another_shape_is_not_written(self, simple: Case) -> None:
        """GraphError."""
        traced = simple.trace(2)
        with pytest.raises(GraphError):
            traced.parameters(traced.graph.layers[0].name)["weight"] = np.zeros((2, 2), np.float32)

    def test_a_layer_runs_with_the_weights_it_is_given(self, simple: Case) -> None:
        """A weight of zeros leaves the bias; a bias of None leaves nothing."""
        traced = simple.traced
        name = traced.graph.layers[0].name
        weight, bias = (np.asarray(traced.parameters(name)[role]) for role in ("weight", "bias"))
        zeros = traced.arrays.from_numpy(np.zeros_like(weight))

        def visitor(call: LayerCall) -> Sequence[Array]:
            if call.node.name == name:
                (only_bias,) = call.run(weights={"weight": zeros})
                (nothing,) = call.run(weights={"weight": zeros, "bias": None})
                shape = np.asarray(traced.arrays.to_numpy(only_bias)).shape
                assert_close(
                    [np.asarray(traced.arrays.to_numpy(only_bias))], [np.broadcast_to(bias, shape)], 0.0
                )
                assert not np.any(traced.arrays.to_numpy(nothing))
            return call.run()

        traced.interpret(simple.native_inputs(2), visitor)

    def test_a_layer_computes_in_the_dtype_it_is_given(self, simple: Case) -> None:
        """float64 inputs make a float64 layer: where integer sums need it."""
        arrays = simple.traced.arrays

        def visitor(call: LayerCall) -> Sequence[Array]:
            wide = call.run(
                [arrays.cast(x, "float64") for x in call.inputs],
                {role: arrays.cast(w, "float64") for role, w in call.weights.items()},
            )
            assert np.asarray(arrays.to_numpy(wide[0])).dtype == np.float64
            return call.run()

        simple.traced.interpret(simple.native_inputs(2), visitor)

"""A traced model computes what the user's model computes, whatever it is made of, at every batch size."""

from __future__ import annotations

import weakref
from typing import Any

import pytest
import torch

from clika_core.backend.interface import LayerCall
from clika_torch.structure import flatten
from clika_torch.tracing import trace
from tests.backends.torch.conftest import traced_case
from tests.backends.torch.models import CASES, call


def assert_same(found: Any, expected: Any) -> None:
    """Equal structure and constants; arrays equal within float rounding of another order of summation."""
    found_flat, expected_flat = flatten(found), flatten(expected)
    assert type(found) is type(expected)
    assert found_flat.structure == expected_flat.structure or str(found_flat) == str(expected_flat)
    assert found_flat.constants == expected_flat.constants
    torch.testing.assert_close(
        list(found_flat.leaves.values()), list(expected_flat.leaves.values()), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("batch", [1, 2, 5])
def test_running_a_trace_gives_the_models_result(name: str, batch: int) -> None:
    model, traced = traced_case(name)
    inputs = CASES[name].inputs(batch)
    with torch.no_grad():
        assert_same(traced.run(inputs), call(model, inputs))


@pytest.mark.parametrize("name", CASES)
def test_a_visitor_that_only_runs_layers_sees_the_same_values_as_the_model(name: str) -> None:
    _, traced = traced_case(name)
    inputs = CASES[name].inputs(3)
    seen: list[str] = []

    def visitor(layer: LayerCall) -> tuple[Any, ...]:
        seen.append(layer.node.name)
        assert len(layer.inputs) == len(layer.node.inputs)
        assert set(layer.weights) == {weight.role for weight in layer.node.weights}
        outputs = layer.run()
        for output, value in zip(outputs, layer.node.outputs, strict=True):
            fixed = [size for size in zip(output.shape, value.shape, strict=True) if isinstance(size[1], int)]
            assert all(size == wanted for size, wanted in fixed)
            assert str(output.dtype) == f"torch.{value.dtype}"
        return outputs

    outputs = traced.interpret(traced.flatten_inputs(inputs), visitor)
    assert seen == [node.name for node in traced.graph.layers]
    leaves = [leaf for leaf in flatten(traced.run(inputs)).leaves.values() if isinstance(leaf, torch.Tensor)]
    torch.testing.assert_close(list(outputs), leaves, rtol=0, atol=0)


@pytest.mark.parametrize("name", CASES)
def test_names_and_fingerprint_do_not_depend_on_the_batch_size(name: str) -> None:
    model, traced = traced_case(name)
    again = trace(model, CASES[name].inputs(3))
    assert [node.name for node in again.graph] == [node.name for node in traced.graph]
    assert again.graph.fingerprint == traced.graph.fingerprint


def test_an_example_of_one_sample_leaves_the_batch_free() -> None:
    model, traced = traced_case("detector")
    again = trace(model, CASES["detector"].inputs(1))
    assert again.graph.fingerprint == traced.graph.fingerprint
    assert again.graph.inputs[0].outputs[0].shape == ("d0", 3, 16, 16)


@pytest.mark.parametrize("name", CASES)
def test_values_that_a_visitor_saw_are_never_overwritten(name: str) -> None:
    _, traced = traced_case(name)
    kept: list[tuple[torch.Tensor, torch.Tensor]] = []

    def visitor(layer: LayerCall) -> tuple[Any, ...]:
        outputs = layer.run()
        kept.extend((value, value.clone()) for value in (*layer.inputs, *outputs))
        return outputs

    traced.interpret(traced.flatten_inputs(CASES[name].inputs(2)), visitor)
    assert all(torch.equal(value, before) for value, before in kept)


def test_values_are_let_go_after_their_last_reader() -> None:
    _, traced = traced_case("classifier")
    alive: list[weakref.ref[torch.Tensor]] = []
    most = 0

    def visitor(layer: LayerCall) -> tuple[Any, ...]:
        nonlocal most
        outputs = layer.run()
        alive.extend(weakref.ref(output) for output in outputs)
        most = max(most, sum(reference() is not None for reference in alive))
        return outputs

    traced.interpret(traced.flatten_inputs(CASES["classifier"].inputs(2)), visitor)
    assert len(traced.graph.layers) > 10
    assert most <= 3  # a layer's input and output, and what a view holds on to

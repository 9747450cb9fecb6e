"""A layer can be run again with other inputs and other weights, in another dtype, with or without a bias."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from clika_core.backend.interface import LayerCall
from clika_core.errors import GraphError
from clika_torch.traced_model import TorchTracedModel
from clika_torch.tracing import trace
from tests.backends.torch.conftest import traced_case
from tests.backends.torch.models import CASES


def rerun(
    traced: TorchTracedModel,
    inputs: Any,
    layer: str,
    change: Any,
) -> tuple[LayerCall, tuple[Any, ...]]:
    """The call of one layer, and what it gives with the inputs and weights that `change` makes of its own."""
    found: list[tuple[LayerCall, tuple[Any, ...]]] = []

    def visitor(call: LayerCall) -> Sequence[Any]:
        if call.node.name == layer:
            found.append((call, call.run(*change(call))))
        return call.run()

    traced.interpret(traced.flatten_inputs(inputs), visitor)
    return found[0]


def test_a_layer_runs_on_other_inputs_and_weights() -> None:
    _, traced = traced_case("classifier")

    def change(call: LayerCall) -> tuple[Any, ...]:
        return [call.inputs[0] * 2], {"weight": call.weights["weight"] + 1}

    call, (found,) = rerun(traced, CASES["classifier"].inputs(2), "conv_1", change)
    expected = functional.conv2d(call.inputs[0] * 2, call.weights["weight"] + 1, call.weights["bias"], 2, 1)
    assert torch.equal(found, expected)


def test_a_bias_can_be_added_and_left_out() -> None:
    _, traced = traced_case("residual")
    bias = torch.randn(4)
    call, (found,) = rerun(traced, CASES["residual"].inputs(2), "conv_1", lambda _: (None, {"bias": bias}))
    expected = functional.conv2d(call.inputs[0], call.weights["weight"], bias, padding="same")
    assert torch.equal(found, expected)
    _, traced = traced_case("twice")
    call, (found,) = rerun(traced, CASES["twice"].inputs(2), "linear_1", lambda _: (None, {"bias": None}))
    assert torch.equal(found, functional.linear(call.inputs[0], call.weights["weight"]))


def test_a_role_without_a_place_is_refused() -> None:
    _, traced = traced_case("classifier")
    for layer, expected in (("relu_1", "no parametric operand"), ("conv_1", "weight, bias")):
        with pytest.raises(GraphError, match="has no operand 'gamma'") as caught:
            rerun(traced, CASES["classifier"].inputs(2), layer, lambda _: (None, {"gamma": torch.ones(1)}))
        assert caught.value.expected == expected


def test_an_input_read_twice_may_be_given_as_two_values() -> None:
    class Square(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * x

    traced = trace(Square(), torch.ones(2, 3))
    _, (found,) = rerun(
        traced, torch.ones(2, 3), "mul_1", lambda call: ([call.inputs[0] * 2, call.inputs[1] * 5],)
    )
    assert torch.equal(found, torch.full((2, 3), 10.0))


def as_float64(call: LayerCall) -> tuple[Any, ...]:
    weights: Mapping[str, Tensor] = call.weights
    return (
        [x.double() if x.is_floating_point() else x for x in call.inputs],
        {role: w.double() if w.is_floating_point() else w for role, w in weights.items()},
    )


@pytest.mark.parametrize("name", CASES)
def test_every_layer_runs_in_float64_and_agrees_with_float32(name: str) -> None:
    _, traced = traced_case(name)

    def visitor(call: LayerCall) -> Sequence[Any]:
        outputs, wide = call.run(), call.run(*as_float64(call))
        for output, other in zip(outputs, wide, strict=True):
            assert other.dtype == (torch.float64 if output.is_floating_point() else output.dtype)
            torch.testing.assert_close(other.to(output.dtype), output, rtol=1e-4, atol=1e-5)
        return outputs

    traced.interpret(traced.flatten_inputs(CASES[name].inputs(2)), visitor)


def test_weights_follow_the_dtype_of_the_inputs() -> None:
    _, traced = traced_case("residual")
    _, (found,) = rerun(
        traced, CASES["residual"].inputs(2), "batch_norm_1", lambda call: ([call.inputs[0].double()],)
    )
    assert found.dtype == torch.float64


def test_other_weights_reach_a_composite_through_what_brings_them_into_shape() -> None:
    class Norm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gamma = nn.Parameter(torch.rand(4))

        def forward(self, x: Tensor) -> Tensor:
            scale = torch.rsqrt(x.pow(2).mean(1, keepdim=True) + 1e-6)
            return x * scale * self.gamma.reshape(1, -1, 1)

    traced = trace(Norm(), torch.randn(2, 4, 5))
    x = torch.randn(3, 4, 5)
    layers = [node.name for node in traced.graph.layers]
    weight = next(iter(traced.graph[layers[-1]].weights)).role
    call, (doubled,) = rerun(traced, x, layers[-1], lambda call: (None, {weight: call.weights[weight] * 2}))
    (plain,) = call.run()
    torch.testing.assert_close(doubled, plain * 2)


def test_masks_follow_the_dtype_of_the_run() -> None:
    _, traced = traced_case("self_attention")
    (layer,) = (node.name for node in traced.graph.layers if node.type == "attention")
    _, (found,) = rerun(
        traced, CASES["self_attention"].inputs(2), layer, lambda call: ([x.double() for x in call.inputs],)
    )
    assert found.dtype == torch.float64

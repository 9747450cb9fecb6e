"""A layer's weights are read as copies, and what is written holds for that layer of that traced model alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from clika_core.errors import GraphError
from clika_torch.tracing import trace
from tests.backends.torch.conftest import traced_case
from tests.backends.torch.models import CASES


def test_weights_are_read_by_role_as_copies() -> None:
    model, traced = traced_case("classifier")
    parameters = traced.parameters("conv_1")
    assert list(parameters) == ["weight", "bias"]
    assert len(parameters) == 2
    weight = parameters["weight"]
    weight += 1
    np.testing.assert_array_equal(parameters["weight"], model.features[0].weight.detach().numpy())  # type: ignore[index, union-attr]
    with pytest.raises(KeyError):
        parameters["gamma"]


def test_writing_changes_this_traced_model_and_nothing_else() -> None:
    case = CASES["twice"]
    model = case.model()
    traced, other = trace(model, case.inputs(2)), trace(model, case.inputs(2))
    inputs = case.inputs(3)
    before = model.block[0].weight.detach().clone()  # type: ignore[index, union-attr]
    expected = other.run(inputs)
    traced.parameters("linear_1")["weight"] = np.zeros((8, 8))
    assert torch.equal(model.block[0].weight, before)  # type: ignore[index, union-attr]
    assert torch.equal(other.run(inputs), expected)
    changed = torch.tanh(model.block[0](torch.tanh(model.block[0].bias)))  # type: ignore[index, union-attr, operator]
    torch.testing.assert_close(traced.run(inputs), changed.detach().expand(3, 8))


def test_writing_unties_only_that_layer() -> None:
    case = CASES["tied"]
    model = case.model()
    traced = trace(model, case.inputs(2))
    (table,) = (node.name for node in traced.graph.layers if node.type == "embedding")
    traced.parameters("linear_1")["weight"] = np.ones((11, 8))
    np.testing.assert_array_equal(traced.parameters(table)["weight"], model.embed.weight.detach().numpy())  # type: ignore[union-attr, operator]
    assert float(np.ptp(traced.run(case.inputs(2)).numpy(), axis=-1).max()) == 0


def test_values_are_rounded_to_the_weight_s_dtype_and_shapes_are_kept() -> None:
    traced = trace(CASES["twice"].model(), CASES["twice"].inputs(2))
    parameters = traced.parameters("linear_1")
    parameters["bias"] = np.full(8, 1 / 3)
    assert parameters["bias"].dtype == np.float32
    assert parameters["bias"][0] == np.float32(1 / 3)
    with pytest.raises(GraphError, match="another shape"):
        parameters["bias"] = np.zeros(4)


def test_a_bias_can_be_added_and_deleted() -> None:
    case = CASES["residual"]
    model = case.model()
    traced = trace(model, case.inputs(2))
    inputs = case.inputs(2)
    expected = traced.run(inputs)
    parameters = traced.parameters("conv_1")
    assert list(parameters) == ["weight"]
    parameters["bias"] = np.arange(4.0)
    assert list(parameters) == ["weight", "bias"]
    assert not torch.equal(traced.run(inputs), expected)
    del parameters["bias"]
    assert list(parameters) == ["weight"]
    assert torch.equal(traced.run(inputs), expected)
    with pytest.raises(KeyError):
        del parameters["bias"]
    with pytest.raises(GraphError, match="has no operand 'gamma'") as caught:
        parameters["gamma"] = np.ones(4)
    assert caught.value.expected == "weight, bias"


def test_an_expression_of_parameters_is_read_as_its_value_and_replaced_as_a_whole() -> None:
    case = CASES["normalised"]
    model = case.model()
    traced = trace(model, case.inputs(2))
    parameters = traced.parameters("conv_1")
    np.testing.assert_array_equal(parameters["weight"], model.conv.weight.detach().numpy())  # type: ignore[union-attr, operator]
    parameters["weight"] = parameters["weight"] * 2
    inputs = case.inputs(3)
    conv = model.conv
    assert isinstance(conv, nn.Conv1d)
    expected = nn.functional.conv1d(inputs[0], conv.weight * 2, conv.bias).abs()
    torch.testing.assert_close(traced.run(inputs), expected.detach())


def test_half_precision_weights_are_read_as_float32_and_stay_half_precision() -> None:
    model = CASES["twice"].model().bfloat16()
    traced = trace(model, torch.randn(2, 8, dtype=torch.bfloat16))
    parameters = traced.parameters("linear_1")
    assert parameters["weight"].dtype == np.float32
    parameters["weight"] = parameters["weight"]
    assert traced.run(torch.randn(2, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16

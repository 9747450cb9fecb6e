"""The native model: the same results, own parameters under the user's names, trainable, copied and saved as any."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from clika_core.backend.interface import LayerCall, Removals, TracedModel
from clika_core.backend.preprocessing import preprocess
from clika_core.errors import DataError
from clika_torch.native_model import NativeModel
from clika_torch.tracing import trace
from tests.backends.torch.conftest import traced_case
from tests.backends.torch.models import CASES, call
from tests.backends.torch.test_faithfulness import assert_same


def plainly(traced: TracedModel, inputs: Sequence[Any]) -> tuple[Any, ...]:
    return traced.interpret(inputs, lambda layer: layer.run())


def native(name: str) -> NativeModel:
    return traced_case(name)[1].native(plainly)


@pytest.mark.parametrize("name", CASES)
def test_it_takes_and_returns_what_the_model_does(name: str) -> None:
    model, _ = traced_case(name)
    inputs = CASES[name].inputs(3)
    with torch.no_grad():
        assert_same(call(native(name), inputs), call(model, inputs))


@pytest.mark.parametrize("name", CASES)
def test_its_tensors_have_the_names_and_values_of_the_model_s_and_share_no_memory(name: str) -> None:
    model, _ = traced_case(name)
    own, given = native(name).state_dict(), model.state_dict()
    assert set(own) <= set(given)
    assert all(torch.equal(own[key], given[key]) for key in own)
    addresses = {tensor.data_ptr() for tensor in given.values()}
    assert addresses.isdisjoint(tensor.data_ptr() for tensor in own.values())
    used = {key for key, value in model.named_parameters() if value.requires_grad}
    assert {key for key, _ in native(name).named_parameters()} == used & set(own)


def test_parameters_stand_in_the_order_in_which_layers_read_them() -> None:
    names = [name for name, _ in native("classifier").named_parameters()]
    assert names == [name for name, _ in traced_case("classifier")[0].named_parameters()]


def test_tied_weights_stay_tied() -> None:
    model = native("tied")
    assert len(list(model.parameters())) == len(list(traced_case("tied")[0].parameters()))


@pytest.mark.parametrize("name", ["residual", "tagger", "encoder", "tied", "normalised"])
def test_it_has_the_model_s_gradients(name: str) -> None:
    model, _ = traced_case(name)
    inputs, own = CASES[name].inputs(2), native(name)
    for each in (copy.deepcopy(model), own):
        each.zero_grad()
    reference = copy.deepcopy(model)
    for each in (reference, own):
        _loss(call(each, inputs)).backward()  # type: ignore[no-untyped-call]
    expected = {key: value.grad for key, value in reference.named_parameters() if value.grad is not None}
    found = {key: value.grad for key, value in own.named_parameters() if value.grad is not None}
    assert expected.keys() == found.keys()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def _loss(result: Any) -> Tensor:
    first: Tensor = result["logits"] if isinstance(result, dict) else result
    return first.square().sum()


def _train(model: nn.Module, images: Tensor, labels: Tensor, steps: int) -> list[float]:
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-2)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def test_it_trains_as_the_model_does_and_leaves_the_traced_model_alone() -> None:
    model, traced = traced_case("classifier")
    torch.manual_seed(0)
    images, labels = torch.randn(16, 3, 32, 32), torch.arange(16) % 4
    before = traced.run((images,))
    own = native("classifier").train()
    losses = _train(own, images, labels, 50)
    assert losses[-1] < 0.1 * losses[0]
    reference = _train(copy.deepcopy(model), images, labels, 5)
    assert losses[:5] == pytest.approx(reference, rel=1e-3)
    assert torch.equal(traced.run((images,)), before)
    assert torch.equal(own.eval()(images), own.train()(images))


def test_copies_and_saved_states_are_independent_and_equal() -> None:
    model, inputs = native("residual"), CASES["residual"].inputs(2)
    other = copy.deepcopy(model)
    assert torch.equal(other(*inputs), model(*inputs))
    with torch.no_grad():
        next(other.parameters()).zero_()
    assert not torch.equal(other(*inputs), model(*inputs))
    other.load_state_dict(model.state_dict())
    assert torch.equal(other(*inputs), model(*inputs))


def test_compiled_it_gives_the_same() -> None:
    model, inputs = native("residual"), CASES["residual"].inputs(2)
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(*inputs), model(*inputs))


def test_replaced_and_added_operands_become_parameters_with_fitting_names() -> None:
    case = CASES["residual"]
    model = case.model()
    prepared = preprocess(trace(model, case.inputs(2)))
    own = prepared.native(plainly)
    assert [name for name, _ in own.named_parameters()] == [
        *("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias")
    ]
    inputs = case.inputs(3)
    torch.testing.assert_close(own(*inputs), model(*inputs), rtol=1e-5, atol=1e-5)
    own(*inputs).sum().backward()
    assert all(parameter.grad is not None for parameter in own.parameters())


def test_an_operand_that_is_untied_gets_a_name_of_its_own() -> None:
    traced = trace(CASES["tied"].model(), CASES["tied"].inputs(2))
    traced.parameters("linear_1")["weight"] = np.ones((11, 8))
    names = {name for name, _ in traced.native(plainly).named_parameters()}
    assert "linear_1.weight" in names
    assert len(names) == 5


def test_a_program_sees_its_own_parameters_at_every_call() -> None:
    _, traced = traced_case("twice")
    seen: list[float] = []

    def program(view: TracedModel, inputs: Sequence[Any]) -> tuple[Any, ...]:
        seen.append(float(view.parameters("linear_1")["bias"].sum()))

        def visitor(layer: LayerCall) -> Sequence[Any]:
            return tuple(output * 2 for output in layer.run())

        return view.interpret(inputs, visitor)

    model = traced.native(program)
    model(torch.randn(2, 8))
    with torch.no_grad():
        dict(model.named_parameters())["block.0.bias"].fill_(1.0)
    model(torch.randn(2, 8))
    assert seen[1] == 8.0 != seen[0]


def test_removed_layers_are_passed_over() -> None:
    _, traced = traced_case("classifier")
    prepared = traced.preprocess(Removals({"dropout_1": None, "relu_3": None}))
    seen: list[str] = []

    def visitor(layer: LayerCall) -> Sequence[Any]:
        seen.append(layer.node.name)
        return layer.run()

    inputs = prepared.flatten_inputs(CASES["classifier"].inputs(2))
    (found,) = prepared.interpret(inputs, visitor)
    assert seen == [node.name for node in traced.graph.layers if node.name not in ("dropout_1", "relu_3")]
    assert prepared.removed == {"dropout_1": None, "relu_3": None}
    assert prepared.graph is traced.graph
    model = copy.deepcopy(traced_case("classifier")[0])
    assert isinstance(model.classifier, nn.Sequential)
    model.classifier[4] = nn.Identity()
    torch.testing.assert_close(found, model(*inputs))


def test_a_result_that_a_removed_layer_gave_is_its_input() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)).eval()
    prepared = trace(model, torch.randn(2, 3)).preprocess(Removals({"dropout_1": None}))
    x = torch.randn(4, 3)
    torch.testing.assert_close(prepared.run(x), model(x).detach())


def test_a_preprocessed_model_has_its_own_tensors() -> None:
    case = CASES["twice"]
    model = case.model()
    prepared = trace(model, case.inputs(2)).preprocess(Removals())
    inputs = case.inputs(2)
    expected = prepared.run(inputs)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    assert torch.equal(prepared.run(inputs), expected)


def test_inputs_that_do_not_fit_are_refused_before_anything_runs() -> None:
    with pytest.raises(DataError, match="input 'x' has a shape"):
        native("twice")(torch.randn(2, 7))

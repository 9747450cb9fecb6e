"""The user's optimizer over a quantized model's parameters: groups, hyper-parameters, state."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import nn

from clika_core.errors import ModelError
from clika_torch.optimizer import named_parameters, rebuilt, rebuilt_by_position


class Model(nn.Module):
    """A convolution whose norm will be folded, and a linear layer that stays as it is."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(1, 2, 1, bias=False), nn.BatchNorm2d(2), nn.Linear(2, 2)


class Native(nn.Module):
    """What is left of it."""

    def __init__(self, of: Model) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 1), copy.deepcopy(of.head)


def stepped(model: Model, optimizer: Any) -> None:
    """One step, so that there is state."""
    loss = model.head(model.norm(model.conv(torch.ones(4, 1, 2, 2))).mean(dim=(2, 3))).sum()
    loss.backward()
    optimizer.step()


def made(optimizer: Any, model: Model, native: Native) -> Any:
    return rebuilt(
        optimizer,
        named_parameters(model),
        named_parameters(native),
        changed={"conv.weight", "conv.bias"},
        absorbed={"norm.weight": "conv.bias", "norm.bias": "conv.bias"},
    )


def test_groups_and_hyper_parameters_are_kept() -> None:
    model = Model()
    native = Native(model)
    optimizer = torch.optim.AdamW(
        [
            {"params": [model.conv.weight, model.head.weight], "weight_decay": 0.1},
            {"params": [model.norm.weight, model.norm.bias, model.head.bias], "lr": 0.5},
        ],
        lr=0.01,
        betas=(0.8, 0.9),
        amsgrad=True,
    )
    found = made(optimizer, model, native).optimizer
    assert type(found) is torch.optim.AdamW
    first, second = found.param_groups
    assert (first["lr"], first["weight_decay"], first["betas"], first["amsgrad"]) == (
        0.01,
        0.1,
        (0.8, 0.9),
        True,
    )
    assert second["lr"] == 0.5
    assert [id(p) for p in first["params"]] == [id(native.conv.weight), id(native.head.weight)]
    assert [id(p) for p in second["params"]] == [id(native.conv.bias), id(native.head.bias)]


def test_the_state_of_what_did_not_change_is_kept_and_no_other() -> None:
    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    stepped(model, optimizer)
    native = Native(model)
    found = made(optimizer, model, native).optimizer
    kept = found.state[native.head.weight]["momentum_buffer"]
    assert torch.equal(kept, optimizer.state[model.head.weight]["momentum_buffer"])
    assert kept is not optimizer.state[model.head.weight]["momentum_buffer"]
    assert not found.state.get(native.conv.weight)


def test_what_the_optimizer_does_not_hold_is_frozen_and_said() -> None:
    model = Model()
    native = Native(model)
    found = made(torch.optim.SGD(model.head.parameters(), lr=0.1), model, native)
    assert [parameter.requires_grad for parameter in native.parameters()] == [False, False, True, True]
    assert found.notes == (
        "parameters that the optimizer does not hold stay as they are: conv.weight, conv.bias",
    )


def test_what_no_layer_reads_is_left_out_and_said() -> None:
    model = Model()
    model.unused = nn.Linear(1, 1)
    found = made(torch.optim.SGD(model.parameters(), lr=0.1), model, Native(model))
    assert found.notes == ("parameters that no layer reads are not trained: unused.weight, unused.bias",)


def test_a_foreign_parameter_and_a_foreign_object_are_refused() -> None:
    model = Model()
    with pytest.raises(ModelError, match="holds a parameter that is not the model's"):
        made(torch.optim.SGD(Model().parameters(), lr=0.1), model, Native(model))
    with pytest.raises(ModelError, match="no optimizer of PyTorch's"):
        made(object(), model, Native(model))


def test_an_optimizer_that_cannot_be_made_again_is_refused() -> None:
    class Odd(torch.optim.SGD):
        def __init__(self, params: Any, secret: int, **more: Any) -> None:
            super().__init__(params, lr=0.1)

    model = Model()
    with pytest.raises(ModelError, match="class Odd cannot be made for the quantized model"):
        made(Odd(model.parameters(), 3), model, Native(model))


def test_without_the_model_parameters_are_told_apart_by_position() -> None:
    model = Model()
    native = Native(model)
    first = made(torch.optim.SGD(model.parameters(), lr=0.1), model, native)
    other = torch.optim.Adam(Model().parameters(), lr=0.2)
    found = rebuilt_by_position(other, named_parameters(native), first.user_groups).optimizer
    assert type(found) is torch.optim.Adam
    assert {id(p) for p in found.param_groups[0]["params"]} == {id(p) for p in native.parameters()}
    with pytest.raises(ModelError, match="cannot be told apart"):
        rebuilt_by_position(torch.optim.Adam([nn.Parameter(torch.ones(1))]), {}, first.user_groups)
    with pytest.raises(ModelError, match="training began with the built-in optimizer"):
        rebuilt_by_position(other, named_parameters(native), None)

"""A model that cannot be traced gives one message: which module, which line, why, and what to do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.ao import quantization as _quantization

from clika_core.errors import TraceError
from clika_torch.tracing import trace

quantization: Any = _quantization  # torch's own is not annotated


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.sum() > 0:  # the line that is to be named
            return x
        return x + 1


class Nested(nn.Module):
    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Linear(4, 4), inner)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.stages(x)
        return y


class LeavingTorch(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.from_numpy(x.numpy() * 2)


class Opaque:
    """Holds a tensor where nobody can find it."""

    __slots__ = ("tensor",)

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class ReturningOpaque(nn.Module):
    def forward(self, x: Tensor) -> Opaque:
        return Opaque(x)


def line_of(text: str) -> int:
    lines = Path(__file__).read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def failure(model: nn.Module, *inputs: Tensor) -> TraceError:
    with pytest.raises(TraceError) as caught:
        trace(model, inputs)
    return caught.value


def test_a_branch_on_data_names_its_module_and_its_line(capfd: pytest.CaptureFixture[str]) -> None:
    error = failure(Nested(Branching()), torch.randn(2, 4))
    assert "in module 'stages.1'" in str(error)
    assert "depends on the values of a tensor" in str(error)
    assert error.location is not None
    assert Path(error.location.file) == Path(__file__)
    assert error.location.line == line_of("if x.sum() > 0:")
    assert error.fix is not None
    assert "torch.where" in error.fix
    assert capfd.readouterr() == ("", "")


def test_leaving_torch_is_said_to_be_that() -> None:
    error = failure(Nested(LeavingTorch()), torch.randn(2, 4))
    assert "the model leaves torch" in str(error)
    assert error.location is not None
    assert error.location.line == line_of("torch.from_numpy(x.numpy() * 2)")


def test_a_model_that_fails_by_itself_is_told_apart_from_one_that_cannot_be_traced() -> None:
    error = failure(Nested(nn.Linear(7, 2)), torch.randn(2, 4))
    assert error.message == "the model fails on the example inputs in module 'stages.1'"
    assert error.found is not None
    assert "mat1 and mat2" in error.found
    assert error.fix is not None
    assert "x: float32 [2, 4]" in error.fix


def test_results_that_hide_tensors_are_refused() -> None:
    error = failure(ReturningOpaque(), torch.randn(2, 4))
    assert "Opaque at the top" in str(error)


def test_example_inputs_that_do_not_fit_forward_are_named() -> None:
    error = failure(Branching(), torch.randn(2, 4), torch.randn(2, 4))
    assert error.message == "the example inputs do not fit the model's forward(x: 'Tensor') -> 'Tensor'"


def test_scripted_modules_are_refused() -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit.script"):
        scripted = torch.jit.script(nn.Linear(2, 2))
    assert "TorchScript" in str(failure(scripted, torch.randn(1, 2)))


def test_modules_without_weights_yet_are_refused() -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Lazy modules are a new feature")  # torch says so once
        model = nn.Sequential(nn.LazyLinear(3))
    assert "module '0' has no weights yet" in str(failure(model, torch.randn(1, 2)))


def test_scripted_parts_are_refused_by_name() -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit.trace"):
        traced: Any = torch.jit.trace(nn.Linear(4, 4), torch.randn(2, 4))  # type: ignore[no-untyped-call]
    assert failure(Nested(traced), torch.randn(2, 4)).message.startswith("module 'stages.1' is TorchScript")


def dynamic() -> Any:
    return quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 4)))


def prepared() -> Any:
    model: Any = nn.Sequential(nn.Linear(4, 4)).train()
    model.qconfig = quantization.get_default_qat_qconfig("x86")
    return quantization.prepare_qat(model)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", [dynamic, prepared])
def test_models_that_are_quantized_already_are_refused(make: Callable[[], nn.Module]) -> None:
    error = failure(make(), torch.randn(2, 4))
    assert error.message == "module '0' is quantized already, or prepared for it"
    assert error.fix == "give the model as it was before that"

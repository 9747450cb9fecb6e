"""Sizes that are free beside the batch: what is traced at one length is the model at every other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn

import clika_core as clika
from clika_compression import clika_compress, clika_deploy, clika_resume
from clika_core.deployment.onnx_model import float_onnx
from clika_core.deployment.onnx_runtime import Session
from clika_core.deployment.verification import verify
from clika_core.errors import DataError, ModelError, TraceError
from clika_core.ir.snapshot import load_graph
from clika_core.pipeline import deployment
from clika_torch.structure import flatten
from clika_torch.tracing import trace
from tests.backends.torch.free_cases import OVER_LENGTH, OVER_SPACE, Function, LanguageModel, sentences
from tests.backends.torch.lowered import recurrent
from tests.core.deployment.lowering_cases import MADE_OF_SIZES

CASES = {
    "length": (OVER_LENGTH, [1], ((2, 8, 6), (3, 10, 6), (1, 13, 6))),
    "space": (OVER_SPACE, [2, 3], ((2, 4, 12, 10), (1, 4, 14, 17), (3, 4, 9, 12))),
}


class Every(nn.Module):
    """All functions of one kind of input, each under its name."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        super().__init__()
        self.functions = functions

    def forward(self, x: Tensor) -> Any:
        return {name: function(x) for name, function in self.functions.items()}


@pytest.mark.parametrize("kind", CASES)
def test_trace_and_runtime_compute_what_torch_does_at_other_sizes(kind: str) -> None:
    functions, axes, (first, *others) = CASES[kind]
    model = Every(functions).eval()
    torch.manual_seed(1)
    traced = trace(model, torch.randn(first), dynamic_axes={"x": axes})
    session = Session(float_onnx(traced).model)
    for shape in (first, *others):
        x = torch.randn(shape)
        expected, ran = flatten(model(x)).leaves, flatten(traced.run(x)).leaves
        found = dict(zip(expected, session.run([x.numpy()]), strict=True))
        for name, wanted in expected.items():
            torch.testing.assert_close(ran[name], wanted, rtol=0, atol=0, msg=name)
            assert found[name].shape == tuple(wanted.shape), name
            np.testing.assert_allclose(found[name], wanted.numpy(), rtol=2e-5, atol=1e-5, err_msg=name)
    if kind == "length":
        assert MADE_OF_SIZES - {node.type for node in traced.graph.layers} == set()


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return LanguageModel().eval()


@pytest.fixture(scope="module")
def compressed(model: nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Quantized on batches padded each to its own length."""
    folder = tmp_path_factory.mktemp("compressed") / "outputs"
    data = [sentences(4, length) for length in (7, 9, 5, 12)]
    return clika.compress(model, calibration_data=data, output_dir=folder)


def test_batches_of_several_lengths_free_the_length(compressed: Any) -> None:
    graph = compressed.plan.graph
    assert [node.outputs[0].shape for node in graph.inputs] == [("d0", "d1"), ("d0", "d1")]
    assert {"arange_1", "tril_1", "ones_1"} <= {node.name for node in graph.layers}
    assert len(compressed.plan.quantized) > 10


class Loader:
    """Batches that are made anew whenever they are read."""

    def __iter__(self) -> Iterator[Any]:
        return (torch.randn(2, length, 6) for length in (6, 6, 9))


def test_batches_made_anew_free_the_length_too() -> None:
    found = clika.measure_sensitivity(nn.Sequential(nn.Linear(6, 6), nn.ReLU()), calibration_data=Loader())
    assert [node.outputs[0].shape for node in found.plan.graph.inputs] == [("d0", "d1", 6)]


def test_data_of_sizes_that_the_model_fixes_is_refused_with_the_line() -> None:
    data = [(torch.randn(2, length, 6), torch.randn(2, 1, 1)) for length in (8, 9)]
    with pytest.raises(DataError, match="differ in size where the model takes one size") as raised:
        clika.compress(Fixed().eval(), calibration_data=data, output_dir=None)
    assert raised.value.location is not None
    assert "axis 1 of input 'x' in module 'place'" in str(raised.value.found)


@pytest.mark.parametrize(("count", "length"), [(1, 3), (5, 11), (2, 30)])
def test_the_deployed_file_runs_at_lengths_it_never_saw(
    compressed: Any, model: nn.Module, count: int, length: int
) -> None:
    batch = sentences(count, length)
    shipped = Session(str(compressed.deployed_path)).run([array.numpy() for array in batch.values()])[0]
    with torch.no_grad():
        simulated, original = compressed.model(**batch).numpy(), model(**batch).numpy()
    assert shipped.shape == original.shape
    assert np.linalg.norm(shipped - simulated) <= 1e-5 * np.linalg.norm(simulated)
    assert np.linalg.norm(shipped - original) <= 0.1 * np.linalg.norm(original)


def test_the_graph_file_is_read_strictly_and_is_the_same_graph(compressed: Any) -> None:
    graph = load_graph(Path(compressed.deployed_path).parent / "model.graph.json")
    assert graph.fingerprint == compressed.plan.graph.fingerprint
    assert graph == compressed.plan.graph


def test_simulation_and_runtime_agree_on_every_code(compressed: Any) -> None:
    batches = [[array.numpy() for array in sentences(3, length).values()] for length in (6, 17)]
    deployed = deployment.deploy(compressed.quantized)
    found = deployment.agreement(compressed.quantized, deployed, batches)
    assert found
    assert {agreement.different for agreement in found.values()} == {0}


def test_the_same_trace_follows_from_what_the_user_says(compressed: Any, model: nn.Module) -> None:
    axes: dict[str | int, list[int]] = {"ids": [1], "mask": [-1]}
    traced = clika.trace(model, sentences(3, 6), dynamic_axes=axes)
    assert traced.graph.fingerprint == compressed.plan.graph.fingerprint


def test_the_file_honours_the_report(compressed: Any) -> None:
    assert not verify(compressed.report, onnx.load_model(compressed.deployed_path)).findings


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU])
def test_recurrent_layers_run_over_any_length(kind: type[nn.LSTM] | type[nn.GRU]) -> None:
    model = recurrent(kind, num_layers=2, bidirectional=True, batch_first=True)
    traced = trace(model, torch.randn(2, 7, 6), dynamic_axes={0: [1]})
    assert kind.__name__.lower() in {node.type for node in traced.graph.layers}
    session = Session(float_onnx(traced).model)
    for count, length in ((3, 11), (1, 4)):
        x = torch.randn(count, length, 6)
        with torch.no_grad():
            expected = flatten(model(x)).leaves.values()
        for ours, theirs, wanted in zip(
            flatten(traced.run(x)).leaves.values(), session.run([x.numpy()]), expected, strict=True
        ):
            torch.testing.assert_close(ours, wanted, rtol=0, atol=0)
            np.testing.assert_allclose(theirs, wanted.numpy(), rtol=2e-5, atol=1e-5)


@pytest.mark.nightly
def test_training_goes_on_with_batches_of_other_lengths(tmp_path: Path) -> None:
    """A state holds the free length: resumed without the model, trained on, and deployed."""

    def data() -> Iterator[Any]:
        return ((sentences(4, length), sentences(4, length)["ids"]) for length in (1, 7, 9, 5))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return nn.functional.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    settings = clika.Settings()
    settings.training_settings.num_epochs, settings.training_settings.stats_steps = 1, 4
    torch.manual_seed(0)
    model = LanguageModel()
    clika_compress(tmp_path / "run", settings, model, data, training_losses={"loss": loss})
    settings.training_settings.num_epochs = 2
    first = tmp_path / "run" / "epoch_1" / "model.pompom"
    state = clika_resume(first, data, training_losses={"loss": loss}, new_settings=settings)
    session = Session(clika_deploy(state, tmp_path / "deployed"))
    batch = [array.numpy() for array in sentences(2, 13).values()]
    assert session.run(batch)[0].shape == (2, 13, 40)


def test_a_model_whose_sizes_nobody_frees_keeps_its_graph(model: nn.Module) -> None:
    graph = clika.trace(model, sentences(2, 6)).graph
    assert [node.outputs[0].shape for node in graph.inputs] == [("d0", 6), ("d0", 6)]
    assert not {node.type for node in graph.layers} & {"arange", "ones", "tril"}


class Fixed(nn.Module):
    """A body that takes any length, behind it a part that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.place = nn.Linear(6, 6), Placed()

    def forward(self, x: Tensor, scale: Tensor) -> Any:
        return self.place(self.body(x)) * scale


class Placed(nn.Module):
    """Adds positions of one length."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.zeros(8, 6))

    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        return y + self.table  # the line that the error names


def test_a_model_that_fixes_a_size_names_module_and_line() -> None:
    with pytest.raises(TraceError) as raised:
        trace(Fixed().eval(), (torch.randn(2, 8, 6), torch.randn(2, 1, 1)), dynamic_axes={"x": [1]})
    error = raised.value
    assert (
        error.message == "the model fixes a size that was to be free: axis 1 of input 'x' in module 'place'"
    )
    assert error.found == "a size of 8, that of the example"
    assert error.location is not None
    line = Path(error.location.file).read_text().splitlines()[error.location.line - 1]
    assert "the line that the error names" in line


class Product(nn.Module):
    """Two inputs that have one size in common."""

    def forward(self, x: Tensor, scale: Tensor) -> Any:
        return x * scale


class Branching(nn.Module):
    """Something else for what is short."""

    def forward(self, x: Tensor) -> Any:
        if x.shape[1] > 5:  # the line that the finding names
            return x.cumsum(1)
        return x * 2


def test_a_condition_on_a_free_size_is_told_with_its_line() -> None:
    (found,) = trace(Branching(), torch.randn(2, 8), dynamic_axes={"x": [1]}).graph.diagnostics
    assert found.message == "the traced model does what the model does where x.shape[1] > 5, at every size"
    assert found.location is not None
    assert (
        "the line that the finding names"
        in Path(found.location.file).read_text().splitlines()[found.location.line - 1]
    )


def test_inputs_that_share_a_size_are_named_where_one_is_not_freed() -> None:
    with pytest.raises(TraceError, match="axis 1 of input 'x'") as raised:
        trace(Product(), (torch.randn(2, 6), torch.randn(2, 6)), dynamic_axes={"x": [1]})
    assert str(raised.value.fix).startswith('free what has the same size with it: "scale": [1]')


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"idz": [1]}, "dynamic_axes names an input that the model does not have: 'idz'"),
        ({2: [1]}, "dynamic_axes names an input that the model does not have: 2"),
        ({"ids": [2]}, "dynamic_axes frees an axis that input 'ids' does not have"),
    ],
)
def test_what_cannot_be_meant_is_refused(model: nn.Module, axes: Any, message: str) -> None:
    with pytest.raises(ModelError) as raised:
        clika.trace(model, sentences(2, 6), dynamic_axes=axes)
    assert raised.value.message == message


def test_an_example_of_length_one_shows_too_little(model: nn.Module) -> None:
    with pytest.raises(ModelError, match="the example shows too little of axis 1 of input 'ids'"):
        clika.trace(model, sentences(2, 1), dynamic_axes={"ids": [1], "mask": [1]})

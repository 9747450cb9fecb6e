"""Whatever a model takes and returns: it is traced, quantized and deployed, and runs at batch sizes it never saw."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import clika_core as clika
from clika_core.backend.preprocessing import preprocess
from clika_core.deployment.input_shapes import with_input_shapes
from clika_core.deployment.onnx_model import OnnxFile
from clika_core.deployment.onnx_runtime import Session
from clika_core.errors import DataError
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.planning.plan import make_plan
from clika_core.settings.model import Settings
from clika_core.simulation.visitor import simulation
from clika_core.targets.ort import ORT
from clika_torch.structure import flatten
from tests.backends.torch.inputs_cases import CASES, Image
from tests.backends.torch.models import call
from tests.backends.torch.zoo.small import Temporal


def leaves(result: Any) -> dict[str, Any]:
    flat = flatten(result)
    return {**flat.constants, **flat.leaves}


def assert_equal(found: Any, expected: Any) -> None:
    """The same paths; the same constants and integers; floats within float rounding."""
    assert leaves(found).keys() == leaves(expected).keys()
    for path, value in leaves(expected).items():
        if isinstance(value, Tensor):
            torch.testing.assert_close(leaves(found)[path], value, rtol=1e-5, atol=1e-6)
        else:
            assert leaves(found)[path] == value, path


@pytest.mark.filterwarnings("ignore:.*weight_norm.*:FutureWarning")
@pytest.mark.parametrize("name", CASES)
def test_it_goes_all_the_way(name: str) -> None:
    make, inputs = CASES[name]
    torch.manual_seed(0)
    model = make()
    traced = clika.trace(model, inputs(2))
    quantized = quantize_traced(traced, Settings(), ORT, Batches([inputs(4), inputs(3)]))
    assert len(quantized.plan.quantized) >= 3
    shipped = deployment.deploy(quantized).quantized
    native = quantized.model.native(quantized.program)
    plain = getattr(model, "_orig_mod", model)
    plain = plain if name == "exported" else plain.eval()
    for size in (5, 1):
        given = inputs(size)
        with torch.no_grad():
            assert_equal(traced.run(given), call(plain, given))
            simulated = leaves(call(native, given))
        batch = [traced.arrays.to_numpy(array) for array in traced.flatten_inputs(given)]
        expected = [value.detach().numpy() for value in simulated.values() if isinstance(value, Tensor)]
        (found,) = deployment.run_deployed(shipped, [batch])
        for ours, theirs in zip(expected, found, strict=True):
            assert (theirs.dtype, theirs.shape) == (ours.dtype, ours.shape)
            np.testing.assert_allclose(theirs, ours, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["results", "integers"])
def test_one_call_does_all_of_it_and_reports(name: str) -> None:
    make, inputs = CASES[name]
    torch.manual_seed(0)
    found = clika.compress(make(), calibration_data=[inputs(4), inputs(3)], output_dir=None).report
    assert found["agreement"]["end_to_end"]["relative_l2_simulated_deployed"] < 1e-6


def test_another_length_than_the_traced_one_is_refused_with_the_sizes_that_are_taken() -> None:
    make, inputs = CASES["empty"]
    traced = clika.trace(make(), inputs(2))
    longer = (torch.randn(2, 5, 8), torch.randn(2, 0, 8))
    with pytest.raises(DataError, match="input 'x' has a shape") as raised:
        traced.flatten_inputs(longer)
    assert raised.value.expected == "[d0, 4, 8]"


def test_a_length_that_is_freed_in_the_file_gives_what_a_trace_of_that_length_does() -> None:
    torch.manual_seed(0)
    model = Temporal().eval()
    found = quantize_traced(
        clika.trace(model, (torch.randn(2, 8, 32),)), Settings(), ORT, Batches([torch.randn(4, 8, 32)])
    )
    file = deployment.deploy(found).quantized
    assert isinstance(file, OnnxFile)
    session = Session(with_input_shapes(file.model, [(None, 8, None)]))
    for length in (20, 47):
        x = torch.randn(3, 8, length)
        traced = clika.trace(model, (x,))
        other = simulation(
            preprocess(traced), make_plan(traced.graph, Settings(), ORT), found.target, found.parameters
        )
        (expected,) = other.run(preprocess(traced), [x])
        np.testing.assert_allclose(session.run([x.numpy()])[0], expected.numpy(), rtol=1e-5, atol=1e-6)


def test_a_model_in_training_is_traced_as_it_is_in_evaluation_and_left_as_it_was() -> None:
    torch.manual_seed(0)
    model = Image().train()
    before = copy.deepcopy(model.state_dict())
    x = torch.randn(3, 3, 8, 8)
    traced = clika.trace(model, (x,))
    assert model.training
    assert model.norm.training
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        assert_equal(traced.run((x,)), model.eval()(x))


class Halved(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.body(x)
        return y


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_run_as_traced(dtype: torch.dtype) -> None:
    """What becomes of them when they are compressed: see `test_widening` and `test_compress`."""
    torch.manual_seed(0)
    model, x = Halved().eval().to(dtype), torch.randn(4, 8, dtype=dtype)
    traced = clika.trace(model, (x[:2],))
    with torch.no_grad():
        torch.testing.assert_close(traced.run((x,)), model(x))

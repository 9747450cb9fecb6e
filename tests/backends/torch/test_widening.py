"""Models in half precision are compressed in float32; their weights, and the user's object, stay as they are."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import clika_core as clika
from clika_compression import clika_compress, clika_resume
from clika_core.errors import ModelError
from clika_core.pipeline.saved_state import SavedState
from clika_core.pipeline.widening import NOTE
from clika_torch.widening import widened
from tests.backends.torch.small_training import SmallClassifier, images, trained
from tests.backends.training import settings

HALVES = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)


class Pair(NamedTuple):
    first: Tensor
    second: Any


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.head = nn.Linear(4, 7, bias=False)
        self.head.weight = self.embedding.weight


@pytest.fixture(scope="module")
def classifier() -> SmallClassifier:
    return trained(epochs=1)


@HALVES
def test_the_result_is_that_of_the_same_weights_in_float32(
    classifier: SmallClassifier, dtype: torch.dtype, tmp_path: Path
) -> None:
    half, inputs = copy.deepcopy(classifier).to(dtype), images(32)[0].to(dtype)
    result = clika.compress(half, calibration_data=inputs, output_dir=tmp_path / "half")
    same = clika.compress(
        copy.deepcopy(half).float(), calibration_data=inputs.float(), output_dir=tmp_path / "float"
    )
    assert {tensor.dtype for tensor in half.parameters()} == {dtype}
    assert NOTE in result.report["notes"]
    assert NOTE not in same.report["notes"]
    assert result.deployed_path is not None
    assert same.deployed_path is not None
    assert result.deployed_path.read_bytes() == same.deployed_path.read_bytes()
    with torch.no_grad():
        found = result.model(inputs)
        torch.testing.assert_close(found, result.model(inputs.float()), rtol=0, atol=0)
    assert found.dtype == torch.float32
    session = onnxruntime.InferenceSession(result.deployed_path)
    (given,) = session.get_inputs()
    (deployed,) = session.run(None, {given.name: inputs.float().numpy()})
    np.testing.assert_allclose(deployed, found.numpy(), rtol=1e-5, atol=1e-6)


def test_every_layer_s_sensitivity_is_measured_in_float32(classifier: SmallClassifier) -> None:
    half, inputs = copy.deepcopy(classifier).bfloat16(), images(32)[0].bfloat16()
    found = clika.measure_sensitivity(half, calibration_data=inputs)
    same = clika.measure_sensitivity(copy.deepcopy(half).float(), calibration_data=inputs.float())
    assert found.to_json() == same.to_json()


def test_inputs_are_widened_wherever_they_stand_and_integers_stay() -> None:
    tensor, numbers = torch.ones(2, 3, dtype=torch.bfloat16), torch.arange(3)
    inputs = {"pair": Pair(tensor, [np.ones(2, np.float16), numbers, None]), "flag": True}
    found = widened(nn.Linear(3, 3), inputs)
    assert found is not None
    pair = found[1]["pair"]
    assert isinstance(pair, Pair)
    assert (pair.first.dtype, pair.second[0].dtype) == (torch.float32, np.float32)
    assert pair.second[1] is numbers
    assert pair.second[2] is None
    assert found[1]["flag"] is True


def test_a_model_in_float32_is_not_copied() -> None:
    assert widened(nn.Linear(3, 3), (torch.ones(2, 3), torch.arange(3), 1)) is None


def test_tied_weights_stay_tied() -> None:
    found = widened(Tied().half(), torch.arange(3))
    assert found is not None
    held = dict(found[0].named_parameters(remove_duplicate=False))
    assert held["head.weight"] is held["embedding.weight"]
    assert held["head.weight"].dtype == torch.float32


def test_parts_of_a_model_in_half_precision_are_refused(classifier: SmallClassifier) -> None:
    half, inputs = copy.deepcopy(classifier).half(), images(8)[0].half()
    with pytest.raises(ModelError, match="half precision") as raised:
        clika.compress_parts(half, ["features"], calibration_data=inputs, output_dir=None)
    assert raised.value.fix is not None
    assert "model.float()" in raised.value.fix


def batches() -> list[tuple[Tensor, Tensor]]:
    inputs, labels = images(32)
    return [(inputs[:16].bfloat16(), labels[:16]), (inputs[16:].bfloat16(), labels[16:])]


def test_training_starts_from_half_precision_and_goes_on(classifier: SmallClassifier, tmp_path: Path) -> None:
    half, losses = copy.deepcopy(classifier).bfloat16(), {"ce": nn.functional.cross_entropy}
    path = clika_compress(tmp_path / "outputs", settings(num_epochs=1), half, batches, training_losses=losses)
    state = SavedState.load(path)
    assert {weight.dtype for node in state.graph.layers for weight in node.weights} == {"float32"}
    assert next(half.parameters()).dtype == torch.bfloat16
    more = settings(num_epochs=2)
    later = clika_resume(path, batches, new_settings=more, training_losses=losses)
    assert Path(later).parent.name == "epoch_2"

"""`.tflite` files hold our ranges and no others, and LiteRT computes in them what the simulation says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

import clika_core as clika
from clika_core.errors import OutputError, TargetError
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.targets.stablehlo import STABLEHLO
from clika_core.targets.tflite import TFLITE
from clika_tensorflow.backend import TensorFlowBackend
from tests.backends.differential.frameworks import channels_last, inputs
from tests.backends.differential.tensorflow_models import build

WHOLE = ["residual_cnn", "mobile_blocks", "u_net", "detector", "super_resolution", "vgg", "multi_input"]


def batches(name: str) -> list[tuple[Any, ...]]:
    return [tuple(map(channels_last, inputs(name, 8, seed))) for seed in (1, 2)]


def quantized(name: str, *, tail: bool = False) -> tuple[Any, Quantized]:
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = tail
    data = batches(name)
    traced = clika.trace(build(name, data[0]), data[0], name=name)
    return traced, quantize_traced(traced, settings, TFLITE, Batches(data), lambda _: None)


@pytest.mark.parametrize("name", WHOLE)
def test_litert_computes_the_codes_of_the_simulation(name: str) -> None:
    traced, found = quantized(name)
    deployed, data = deployment.deploy(found), batches(name)
    agreement = deployment.agreement(found, deployed, data)
    assert set(found.simulation.coded) <= {(layer, 0) for layer in agreement}
    for layer, codes in agreement.items():
        assert codes.share_equal >= 0.9999, layer
        assert codes.largest_difference <= 1, layer
    reference = deployment.run_float(traced, data)
    assert deployment.relative_distance(deployment.run_deployed(deployed.floating, data), reference) < 1e-5
    assert deployment.relative_distance(deployment.run_deployed(deployed.quantized, data), reference) < 0.05


def test_scales_in_the_file_are_those_of_the_calibration_and_weights_are_int8(tmp_path: Path) -> None:
    _, found = quantized("vgg", tail=True)
    path = deployment.deploy(found).save(tmp_path)
    assert path.name == "vgg.tflite"
    interpreter = Interpreter(model_path=str(path))
    tensors = {detail["name"]: detail for detail in interpreter.get_tensor_details()}
    for (layer, role), params in found.parameters.weights.items():
        held = tensors[f"{layer}_{role}"]
        assert held["dtype"] == np.int8
        np.testing.assert_array_equal(held["quantization_parameters"]["scales"], params.scale)
    for (layer, _), params in found.simulation.coded.items():
        if layer in tensors:
            assert tensors[layer]["quantization"] == (
                pytest.approx(float(params.scale)),
                int(params.zero_point),
            )
    assert tensors["conv_1_bias"]["dtype"] == np.int32
    assert tensors["linear_2"]["dtype"] == np.float32, "the tail stays float"


def test_a_file_runs_at_any_batch_size() -> None:
    _, found = quantized("detector")
    run = deployment.deploy(found).quantized.runner()
    for count in (1, 3):
        given = tuple(map(channels_last, inputs("detector", count)))
        assert [value.shape for value in run(given)] == [(count, 8, 8, 4), (count, 8, 8, 3)]


def test_compress_deploys_to_it(tmp_path: Path) -> None:
    data = batches("vgg")[0][0]
    result = clika.compress(
        build("vgg", (data,)), calibration_data=data, target="tflite", output_dir=tmp_path / "outputs"
    )
    assert result.deployed_path is not None
    assert result.deployed_path.suffix == ".tflite"
    assert result.report["agreement"]["runtime_optimization_level"] == "default delegate"


def test_a_layer_that_cannot_be_written_is_named() -> None:
    model = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(4), keras.layers.Activation(keras.ops.erf)]
    )
    data = np.random.default_rng(0).standard_normal((8, 6)).astype(np.float32)
    found = quantize_traced(
        clika.trace(model, data), clika.Settings(), TFLITE, Batches([(data,)]), lambda _: None
    )
    with pytest.raises(OutputError, match="'erf_1'"):
        deployment.deploy(found)


def test_it_writes_no_other_files() -> None:
    with pytest.raises(TargetError, match="stablehlo"):
        TensorFlowBackend().file_format(STABLEHLO)

"""What the project's targets say of themselves, and what their files do in onnxruntime."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.errors import TargetError
from clika_core.ir.operators import OPERATORS
from clika_core.pipeline.deployment import agreement, deploy
from clika_core.planning.plan import make_plan
from clika_core.plugins.registry import targets
from clika_core.settings.model import Settings
from clika_core.targets.target import Target
from tests.core.loopback.networks import batches, image_network
from tests.core.loopback.quantizing import quantized
from tests.core.planning.networks import classifier

# name -> the codes of weights and activations, and whether their zero point is free (spec: numerics)
SCHEMES = {
    "ort": (-127, 127, 0, 255, False),
    "ov": (-127, 127, 0, 255, False),
    "trt": (-127, 127, -128, 127, True),
    "tflite": (-127, 127, -128, 127, False),
    "qnn": (-127, 127, 0, 255, False),
    "stablehlo": (-127, 127, 0, 255, False),
}


@pytest.mark.parametrize("name", SCHEMES)
def test_codes_are_those_of_the_table_of_targets(name: str) -> None:
    target = targets()[name]
    weights, activations = target.weights.format, target.activations.format
    found = (weights.quant_min, weights.quant_max, activations.quant_min, activations.quant_max)
    assert (*found, target.activations.is_symmetric) == SCHEMES[name]
    assert target.weights.is_symmetric


def test_qnn_takes_sixteen_bits_for_activations_and_no_other_target_does() -> None:
    assert [
        name for name, target in targets().items() if 16 in target.activation_bits and target.has_file
    ] == ["qnn"]


def test_tflite_fixes_the_outputs_that_its_kernels_demand() -> None:
    assert targets()["tflite"].fixed_outputs == {
        "softmax": (1 / 256, -128), "sigmoid": (1 / 256, -128), "tanh": (1 / 128, 0)
    }  # fmt: skip


@pytest.mark.parametrize("name", SCHEMES)
def test_a_convolution_takes_its_relu_along_on_every_target(name: str) -> None:
    plan = make_plan(classifier(), Settings(), targets()[name])
    assert plan["relu_1"].group == "conv_1"
    assert plan["conv_1"].precision == "quantized"


def onnx_targets() -> list[str]:
    return [name for name, target in targets().items() if target.written_by is None and name in SCHEMES]


@pytest.mark.parametrize("name", onnx_targets())
def test_what_is_written_gives_the_codes_of_the_simulation_in_onnxruntime(name: str) -> None:
    model = image_network(0)
    data = batches(model)
    result = quantized(model, data, targets()[name])
    layers = agreement(result, deploy(result), data[:1])
    fixed = targets()[name].fixed_outputs  # onnxruntime's softmax multiplies by floor(1 / scale)
    exact = [found for layer, found in layers.items() if "softmax" in fixed or "softmax" not in layer]
    assert exact
    assert min(layer.share_equal for layer in exact) >= 0.999
    assert max(layer.largest_difference for layer in layers.values()) <= 1


@pytest.mark.parametrize("name", ["tflite", "stablehlo"])
def test_a_target_without_a_writer_says_so_before_anything_is_written(name: str) -> None:
    target: Target = targets()[name]
    with pytest.raises(TargetError, match=f"files for target {name} cannot be written yet"):
        target.check_written()


def test_symmetric_codes_use_no_code_for_what_a_relu_takes_away() -> None:
    model = image_network(0)
    data = batches(model)
    found = quantized(model, data, targets()["trt"])
    assert all(np.all(p.zero_point == 0) for p in found.parameters.activations.values())


@pytest.mark.parametrize("name", SCHEMES)
def test_a_type_without_a_kernel_has_a_reason_or_a_kernel(name: str) -> None:
    target = targets()[name]
    assert set(target.reasons).isdisjoint(target.kernels)
    assert set(target.reasons) <= set(OPERATORS)


def test_why_attention_stays_float_is_said_where_it_does() -> None:
    found = {name: targets()[name].refusal("attention", has_weight=False, has_data=True) for name in SCHEMES}
    assert [name for name, reason in found.items() if reason is None] == ["ort", "stablehlo"]
    assert found["ov"] == (
        "ov has no quantized kernel for attention: OpenVINO runs both of its products in float"
    )
    assert all(": " in reason for reason in found.values() if reason is not None)

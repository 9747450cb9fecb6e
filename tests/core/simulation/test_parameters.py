"""Parameters of weights, of constants and numbers, and of values that share them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from clika_core.numerics import QuantParams
from clika_core.simulation.parameters import Parameters, numbers
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_loopback.target import EDGE
from tests.core.loopback.networks import Sketch, batches, image_network
from tests.core.loopback.quantizing import SYMMETRIC, quantized

F32 = np.float32


def test_a_weight_has_one_scale_for_each_output_channel() -> None:
    s = Sketch()
    weight = s.weights(5, 4, 3, 3)
    model = s.output(s.op("conv", s.input("x", 4, 6, 6), weight=weight))
    params = quantized(model, batches(model)).parameters.weights["conv_1", "weight"]
    np.testing.assert_array_equal(params.scale, F32(np.abs(weight).max((1, 2, 3)).astype(np.float64) / 127))
    assert not params.zero_point.any()


def test_a_target_may_have_one_scale_for_the_whole_weight() -> None:
    model = image_network(0)
    found = quantized(model, batches(model), EDGE).parameters.weights
    assert {params.scale.shape for params in found.values()} == {()}


def test_a_channel_without_weights_keeps_a_fine_bias() -> None:
    s = Sketch()
    weight = s.weights(3, 6)
    weight[1] = 0
    model = s.output(s.op("linear", s.input("x", 6), weight=weight, bias=np.array([0.1, 0.2, 0.3], F32)))
    found = quantized(model, batches(model))
    unit = found.simulation.specs["linear_1"].bias_divisor
    assert unit is not None
    assert unit[1] < 1e-3


def test_a_bias_that_would_overflow_raises_its_channel_s_scale_alone() -> None:
    s = Sketch()
    weight = np.full((2, 3), 1e-9, F32)
    weight[1] = 1
    model = s.output(s.op("linear", s.input("x", 3), weight=weight, bias=np.array([50.0, 50.0], F32)))
    found = quantized(model, batches(model))
    scale = found.parameters.weights["linear_1", "weight"].scale
    unit = found.simulation.specs["linear_1"].bias_divisor
    assert unit is not None
    assert scale[0] > 1e-9 / 127
    assert scale[1] == F32(1 / 127)
    assert np.all(np.abs(50 / unit.astype(np.float64)) <= 2**30)


@pytest.mark.parametrize("target", [ORT, SYMMETRIC], ids=["uint8", "symmetric"])
def test_constants_and_numbers_of_elementwise_layers_are_constant_activations(target: Target) -> None:
    s = Sketch()
    constant = np.array([[-1.0], [0.5]], F32)
    model = s.output(s.op("mul", s.op("add", s.input("x", 2, 3), constant), -0.25))
    found = quantized(model, batches(model), target).parameters.weights
    assert set(found) == {("add_1", "other"), ("mul_1", "other")}
    assert {params.format for params in found.values()} == {target.activations.format}
    assert value(found["mul_1", "other"], -0.25) == F32(-0.25)


def value(params: QuantParams, real: float) -> np.float32:
    """What a number becomes on its own grid."""
    code = np.clip(
        np.rint(F32(real) / params.scale) + params.zero_point,
        params.format.quant_min,
        params.format.quant_max,
    )
    return F32((code - params.zero_point) * params.scale)


def test_numbers_are_those_attributes_that_stand_for_an_operand() -> None:
    s = Sketch()
    h = s.op("leaky_relu", s.op("mul", s.input("x", 4), 3), negative_slope=0.1)
    model = s.output(h)
    graph = quantized(model, batches(model)).model.graph
    assert numbers(graph["mul_1"]) == {"other": 3.0}
    assert numbers(graph["leaky_relu_1"]) == {}


def test_parameters_are_written_as_plain_json_and_read_back() -> None:
    model = image_network(1)
    plain = quantized(model, batches(model)).parameters
    found = replace(plain, gains={("relu_1", 0): (0.5, float(F32(1.1)))})
    read = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert set(read) == {"activations", "weights", "gains"}
    assert read["gains"] == {"relu_1.0": [0.5, float(F32(1.1))]}
    assert Parameters.from_json(read) == found
    for (name, port), params in found.activations.items():
        assert QuantParams.from_json(read["activations"][f"{name}.{port}"]) == params
    for (name, role), params in found.weights.items():
        assert QuantParams.from_json(read["weights"][f"{name}.{role}"]) == params

"""What a quantized layer computes with: multiplier, bias unit, clamp, and the dtype in which its sums are exact."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clika_core.numerics import params_from_range
from clika_core.pipeline.quantization import Quantized
from clika_core.simulation.layer_spec import LayerSpec, layer_spec
from clika_core.targets.ort import ORT
from clika_core.targets.target import Arithmetic, Target
from clika_loopback.target import EDGE
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import SYMMETRIC, quantized

F32 = np.float32


def conv_network(activation: str | None = None, target: Target = ORT) -> Quantized:
    s = Sketch(1)
    h = s.conv(s.input("x", 4, 6, 6), 4, 6)
    model = s.output(s.op(activation, h) if activation else h)
    return quantized(model, batches(model), target)


def only_spec(found: Quantized) -> LayerSpec:
    (spec,) = found.simulation.specs.values()
    return spec


def test_the_multiplier_is_one_float32_per_output_channel() -> None:
    found = conv_network()
    spec, scales = only_spec(found), found.parameters
    sx, sy = (scales.activations[key].scale for key in (("x", 0), ("conv_1", 0)))
    sw = scales.weights["conv_1", "weight"].scale
    assert spec.multiplier is not None
    assert spec.multiplier.dtype == F32
    np.testing.assert_array_equal(spec.multiplier, F32(F32(sx * sw) / sy))
    np.testing.assert_array_equal(spec.bias_divisor, F32(sx * sw))
    assert (spec.arithmetic, spec.channel_axis) == (Arithmetic.ACCUMULATE, 1)


def test_one_scale_for_the_weight_gives_one_multiplier() -> None:
    spec = only_spec(conv_network(target=EDGE))
    assert spec.multiplier is not None
    assert spec.multiplier.shape == ()
    assert spec.channel_axis is None


def test_saturation_computes_a_relu_whose_zero_point_is_the_lowest_code() -> None:
    found = conv_network("relu")
    assert found.parameters.activations["relu_1", 0].zero_point == 0
    assert only_spec(found).clamp is None


@pytest.mark.parametrize("activation", ["relu", "relu6"])
def test_a_symmetric_target_clamps_at_the_code_of_zero(activation: str) -> None:
    found = conv_network(activation, SYMMETRIC)
    params = found.parameters.activations[f"{activation}_1", 0]
    assert params.zero_point == 0
    assert only_spec(found).clamp == (0.0, 127.0)


def test_a_relu6_clamps_at_the_code_of_six_where_the_range_is_wider() -> None:
    found = conv_network("relu6")
    wide = params_from_range(0.0, 12.0, ORT.activation_scheme())
    parameters = replace(found.parameters, activations={**found.parameters.activations, ("relu6_1", 0): wide})
    wiring, group = found.simulation.wiring, found.plan.groups["conv_1"]
    spec = layer_spec(wiring, group, ORT, parameters, found.model.parameters("conv_1"))
    assert spec.clamp == (0.0, float(np.rint(F32(6) / wide.scale)))


def dense(size: int, target: Target = ORT) -> LayerSpec:
    """`size` weights of code 127 on inputs between 0 and 1, whose centred codes reach 255."""
    s = Sketch()
    model = s.output(s.op("linear", s.input("x", size), weight=np.ones((2, size), F32)))
    data = [(np.linspace(0, 1, 2 * size, dtype=F32).reshape(2, size),)]
    return only_spec(quantized(model, data, target))


@pytest.mark.parametrize("target", [ORT, EDGE], ids=["per channel", "per tensor"])
def test_sums_that_can_pass_the_integers_of_float32_are_float64(target: Target) -> None:
    largest = 2**24 // (127 * 255)
    assert 127 * 255 * largest < 2**24 < 127 * 255 * (largest + 1)
    assert dense(largest, target).accumulate_dtype == "float32"
    assert dense(largest + 1, target).accumulate_dtype == "float64"


def test_the_bias_counts_among_what_is_summed() -> None:
    largest = 2**24 // (127 * 255)
    s = Sketch()
    weight, bias = np.ones((2, largest), F32), np.array([0, 40], F32)
    model = s.output(s.op("linear", s.input("x", largest), weight=weight, bias=bias))
    data = [(np.linspace(0, 1, 2 * largest, dtype=F32).reshape(2, largest),)]
    assert only_spec(quantized(model, data)).accumulate_dtype == "float64"


def test_signs_that_cancel_are_counted_for_the_worst_input() -> None:
    largest = 2**24 // (127 * 255)
    weight = np.ones((1, 2 * largest), F32)
    weight[:, ::2] = -1  # an input of 1 at every positive weight and 0 at the others reaches half of it all
    s = Sketch()
    model = s.output(s.op("linear", s.input("x", 2 * largest), weight=weight))
    data = [(np.linspace(0, 1, 2 * largest, dtype=F32).reshape(1, -1),)]
    assert only_spec(quantized(model, data)).accumulate_dtype == "float32"


def test_a_product_with_a_constant_is_bounded_by_what_one_output_sums() -> None:
    s = Sketch()
    model = s.output(s.op("matmul", s.input("x", 3, 400), np.ones((400, 300), F32)))
    data = [(np.linspace(0, 1, 1200, dtype=F32).reshape(1, 3, 400),)]
    spec = only_spec(quantized(model, data))
    assert (spec.accumulate_dtype, spec.channel_axis) == ("float32", None)


def squared(width: int) -> LayerSpec:
    """The spec of x · relu(x) for matrices of `width`, whose values reach 1 on one side of 0."""
    s = Sketch()
    x = s.input("x", width, width)
    model = s.output(s.op("matmul", x, s.op("relu", x)))
    return quantized(
        model, [(np.linspace(0, 1, width**2, dtype=F32).reshape(1, width, width),)]
    ).simulation.specs["matmul_1"]


def test_the_product_of_two_activations_is_bounded_by_what_one_output_sums() -> None:
    largest = 2**24 // 255**2
    assert squared(largest).accumulate_dtype == "float32"
    assert squared(largest + 1).accumulate_dtype == "float64"


def attending(keys: int, width: int) -> LayerSpec:
    """The spec of attention of two queries over `keys` keys."""
    s = Sketch()
    query, key, value = s.input("q", 2, width), s.input("k", keys, width), s.input("v", keys, 3)
    data = [
        tuple(
            np.linspace(0, 1, n * m, dtype=F32).reshape(1, n, m)
            for n, m in ((2, width), (keys, width), (keys, 3))
        )
    ]
    return quantized(s.output(s.attention(query, key, value)), data).simulation.specs["attention_1"]


def test_attention_is_bounded_by_the_width_of_its_keys() -> None:
    largest = 2**24 // 255**2
    assert attending(4, largest).accumulate_dtype == "float32"
    assert attending(4, largest + 1).accumulate_dtype == "float64"


def test_many_keys_share_the_codes_of_one_probability() -> None:
    """A plain product of 256 keys at 255 · 255 would reach 2**24."""
    assert attending(256, 2).accumulate_dtype == "float32"
    assert squared(259).accumulate_dtype == "float64"

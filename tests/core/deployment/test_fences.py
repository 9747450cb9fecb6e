"""A layer that the plan keeps float is float in onnxruntime too, wherever it stands."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import onnx
import pytest

from clika_core.deployment import onnx_model
from clika_core.deployment.agreement import layer_agreement
from clika_core.deployment.fences import Fences, find_fences
from clika_core.deployment.onnx_model import quantized_onnx
from clika_core.ir.recording import Ref
from clika_core.pipeline.quantization import Quantized
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with
from tests.core.loopback.runtime import optimized

Layer = Callable[[Sketch, Ref], Ref]

BETWEEN: Mapping[str, tuple[Layer, tuple[str, ...], str]] = {
    "conv": (lambda s, x: s.conv(x, 4, 4), ("conv_2",), "Conv"),
    "conv and relu": (lambda s, x: s.op("relu", s.conv(x, 4, 4)), ("conv_2",), "Conv"),
    "conv behind a slice": (
        lambda s, x: s.conv(s.op("slice", x, axis=2, start=0, end=4), 4, 4),
        ("slice_1", "conv_2"),
        "Conv",
    ),
    "conv before a slice": (
        lambda s, x: s.op("slice", s.conv(x, 4, 4), axis=2, start=0, end=4),
        ("conv_2", "slice_1"),
        "Conv",
    ),
    "conv_transpose": (
        lambda s, x: s.op("conv_transpose", x, weight=s.weights(4, 4, 2, 2), strides=(2, 2)),
        (),
        "ConvTranspose",
    ),
    "linear": (
        lambda s, x: s.op("reshape", s.linear(s.op("flatten", x), 144, 36), shape=(-1, 4, 3, 3)),
        ("linear_1", "reshape_1"),
        "Gemm",
    ),
    "add": (lambda s, x: s.op("add", x, x), ("add_1",), "Add"),
    "sigmoid": (lambda s, x: s.op("sigmoid", x), ("sigmoid_1",), "Sigmoid"),
    "softmax": (lambda s, x: s.op("softmax", x), ("softmax_1",), "Softmax"),
    "avg_pool": (lambda s, x: s.op("avg_pool", x, kernel_size=(2, 2)), ("avg_pool_1",), "AveragePool"),
    "mean": (
        lambda s, x: s.op("adaptive_avg_pool", x, output_size=(1, 1)),
        ("adaptive_avg_pool_1",),
        "GlobalAveragePool",
    ),
}


def made(build: Layer, skip: tuple[str, ...]) -> tuple[LoopbackModel, Quantized]:
    """The layer between two quantized convolutions."""
    s = Sketch(3)
    x = s.conv(s.input("x", 4, 6, 6), 4, 4)
    model = s.output(s.op("conv", build(s, x), weight=s.weights(4, 4, 1, 1)))
    return model, quantized(model, batches(model), settings=settings_with(skip=skip))


@pytest.mark.parametrize("case", BETWEEN)
def test_a_float_layer_between_integer_ones_computes_on_floats(case: str) -> None:
    build, skip, operator = BETWEEN[case]
    _, found = made(build, skip)
    assert set(skip) <= set(found.plan.skipped)
    runtime = optimized(quantized_onnx(found.model, found.plan, found.simulation).model)
    assert runtime.on_floats[operator] > 0, (runtime.on_floats, runtime.on_integers)
    assert runtime.on_integers["QLinearConv"] == 2


@pytest.mark.parametrize("case", BETWEEN)
def test_its_weights_stay_those_of_the_user(case: str) -> None:
    build, skip, _ = BETWEEN[case]
    model, found = made(build, skip)
    file = quantized_onnx(found.model, found.plan, found.simulation)
    for name, same in layer_agreement(found.model, found.simulation, file, batches(model)).items():
        assert same.largest_difference <= 1, name
        assert same.share_equal >= 0.999, name  # a float sum in another order may round to the next code


def test_without_a_fence_onnxruntime_would_quantize_the_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    build, skip, _ = BETWEEN["conv"]
    _, found = made(build, skip)
    monkeypatch.setattr(onnx_model, "find_fences", lambda _: Fences((), ()))
    runtime = optimized(quantized_onnx(found.model, found.plan, found.simulation).model)
    assert runtime.on_floats["Conv"] == 0
    assert runtime.on_integers["QLinearConv"] == 3


def test_a_float_tail_needs_no_fence() -> None:
    s = Sketch()
    model = s.output(s.op("softmax", s.linear(s.op("relu", s.linear(s.input("x", 8), 8, 8)), 8, 3)))
    found = quantized(model, batches(model), settings=settings_with(tail=True))
    assert found.plan.skipped == ("linear_2", "softmax_1")
    assert not find_fences(found.simulation).layers
    assert all(node.op_type != "Sum" for node in written(found))


def written(found: Quantized) -> list[onnx.NodeProto]:
    return list(quantized_onnx(found.model, found.plan, found.simulation).model.graph.node)


def test_layers_behind_a_float_one_need_no_fence_of_their_own() -> None:
    s = Sketch()
    h = s.linear(s.input("x", 8), 8, 8)
    for type_name in ("tanh", "silu", "tanh"):
        h = s.op(type_name, h)
    model = s.output(s.linear(h, 8, 3))
    found = quantized(model, batches(model))
    assert found.plan.skipped == ("tanh_1", "silu_1", "tanh_2")
    assert not find_fences(found.simulation).layers


def test_one_fence_serves_all_float_readers_of_a_value() -> None:
    s = Sketch()
    h = s.conv(s.input("x", 4, 6, 6), 4, 4)
    ends = [s.conv(s.conv(h, 4, 4), 4, 4) for _ in range(2)]
    model = s.output(*ends)
    found = quantized(model, batches(model), settings=settings_with(skip=["conv_2", "conv_4"]))
    assert find_fences(found.simulation).layers == {"conv_2", "conv_4"}
    fences = [node for node in written(found) if node.op_type == "Sum"]
    assert len(fences) == 1


def test_a_model_that_is_all_integer_or_all_float_has_none() -> None:
    s = Sketch()
    model = s.output(s.conv(s.conv(s.input("x", 4, 6, 6), 4, 4), 4, 4))
    for skip in ([], ["op:conv"]):
        fences = find_fences(quantized(model, batches(model), settings=settings_with(skip=skip)).simulation)
        assert not fences.layers

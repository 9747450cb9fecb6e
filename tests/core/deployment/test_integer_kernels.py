"""What the target calls quantized is computed on integers by onnxruntime, and gives the codes of the simulation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from clika_core.deployment.agreement import layer_agreement
from clika_core.deployment.code_agreement import CodeAgreement
from clika_core.deployment.onnx_model import quantized_onnx
from clika_core.ir.recording import Ref
from clika_core.pipeline.quantization import Quantized
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_loopback.model import LoopbackModel
from clika_loopback.target import EDGE
from tests.core.loopback.networks import SAME, Batch, Sketch, batches, image_network, sequence_network
from tests.core.loopback.quantizing import quantized
from tests.core.loopback.runtime import Optimized, optimized

Layer = Callable[[Sketch, Ref], Ref]


def one(type_name: str, **named: Any) -> Layer:
    return lambda s, x: s.op(type_name, x, **named)


def two(type_name: str) -> Layer:
    return lambda s, x: s.op(type_name, x, s.op("leaky_relu", x))


def with_constant(type_name: str) -> Layer:
    return lambda s, x: s.op(type_name, x, s.weights(4, 1, 1))


def concat(s: Sketch, x: Ref) -> Ref:
    return s.op("concat", x, s.op("leaky_relu", x), x, axis=1)


def padded_conv(s: Sketch, x: Ref) -> Ref:
    return s.conv(s.op("pad", x, pads=((0, 0), (0, 0), (1, 2), (0, 1))), 4, 4)


def linear(*extra: int) -> Layer:
    return lambda s, x: s.linear(s.op("reshape", x, shape=(-1, *extra, 36)), 36, 6)


def product(s: Sketch, x: Ref) -> Ref:
    return s.op("matmul", x, s.op("permute", x, axes=(0, 1, 3, 2)))


def second_of(type_name: str, **named: Any) -> Layer:
    def build(s: Sketch, x: Ref) -> Ref:
        parts = s.op(type_name, x, **named)
        return s.op("add", s.op("leaky_relu", Ref(parts.record, 1)), parts)

    return build


_KERNEL: Mapping[str, Any] = {"kernel_size": (3, 3), "strides": (2, 2)}

LAYERS: Mapping[str, tuple[Layer, str]] = {
    "conv": (lambda s, x: s.conv(x, 4, 6), "QLinearConv"),
    "conv in groups": (lambda s, x: s.conv(x, 4, 4, groups=4), "QLinearConv"),
    "conv with relu": (lambda s, x: s.op("relu", s.conv(x, 4, 6)), "QLinearConv"),
    "conv with relu6": (lambda s, x: s.op("relu6", s.conv(x, 4, 6)), "QLinearConv"),
    "linear": (linear(), "QGemm"),
    "linear of sequences": (linear(4), "QGemm"),
    "linear with relu": (lambda s, x: s.op("relu", linear()(s, x)), "QGemm"),
    "matmul": (product, "QLinearMatMul"),
    "matmul with a constant": (lambda s, x: s.op("matmul", x, s.weights(6, 5)), "QLinearMatMul"),
    "add": (two("add"), "QLinearAdd"),
    "add with relu": (lambda s, x: s.op("relu", two("add")(s, x)), "QLinearAdd"),
    "add with a constant": (with_constant("add"), "QLinearAdd"),
    "add with a number": (lambda s, x: s.op("add", x, 0.3), "QLinearAdd"),
    "mul": (two("mul"), "QLinearMul"),
    "mul with a constant": (with_constant("mul"), "QLinearMul"),
    "mul with a number": (lambda s, x: s.op("mul", x, -0.5), "QLinearMul"),
    "concat": (concat, "QLinearConcat"),
    "leaky_relu": (one("leaky_relu", negative_slope=0.3), "QLinearLeakyRelu"),
    "sigmoid": (one("sigmoid"), "QLinearSigmoid"),
    "softmax": (one("softmax"), "QLinearSoftmax"),
    "softmax over channels": (one("softmax", axis=1), "QLinearSoftmax"),
    "mean": (one("mean", axes=(2, 3), keep_dims=True), "QLinearGlobalAveragePool"),
    "mean without axes": (one("mean", axes=(2, 3)), "QLinearGlobalAveragePool"),
    "adaptive_avg_pool": (one("adaptive_avg_pool", output_size=(1, 1)), "QLinearGlobalAveragePool"),
    "adaptive_avg_pool in parts": (one("adaptive_avg_pool", output_size=(3, 2)), "QLinearAveragePool"),
    "avg_pool": (one("avg_pool", **_KERNEL, padding=SAME), "QLinearAveragePool"),
    "avg_pool not counting": (
        one("avg_pool", **_KERNEL, padding=SAME, count_include_pad=False),
        "QLinearAveragePool",
    ),
    "avg_pool rounded up": (one("avg_pool", **_KERNEL, ceil_mode=True), "QLinearAveragePool"),
    "max_pool": (one("max_pool", **_KERNEL, padding=SAME), "NhwcMaxPool"),
    "reshape": (one("reshape", shape=(-1, 8, 18)), "Reshape"),
    "flatten": (one("flatten"), "Reshape"),
    "squeeze": (lambda s, x: s.op("squeeze", s.op("slice", x, axis=1, start=1, end=2), axes=(1,)), "Slice"),
    "unsqueeze": (one("unsqueeze", axes=(2,)), "Reshape"),
    "permute": (one("permute", axes=(0, 3, 1, 2)), "Transpose"),
    "expand": (
        lambda s, x: s.op("expand", s.op("unsqueeze", x, axes=(1,)), shape=(-1, 3, -1, -1, -1)),
        "Expand",
    ),
    "repeat": (one("repeat", repeats=(1, 2, 1, 3)), "Tile"),
    "flip": (one("flip", axes=(2, 3)), "Slice"),
    "slice": (one("slice", axis=2, start=1, end=None, step=2), "Slice"),
    "select": (one("select", axis=1, index=2), "Gather"),
    "gather": (lambda s, x: s.op("gather", x, s.input("i", 3, dtype="int64"), axis=1), "Gather"),
    "split": (second_of("split", axis=1, sizes=(2, 2)), "Split"),
    "unbind": (second_of("unbind", axis=1), "Split"),
    "pixel_shuffle": (one("pixel_shuffle", factor=2), "DepthToSpace"),
    "pixel_unshuffle": (one("pixel_unshuffle", factor=2), "Transpose"),
    "channel_shuffle": (one("channel_shuffle", groups=2), "Transpose"),
    "resize_nearest": (one("resize_nearest", size=(12, 9)), "Resize"),
    "pad": (padded_conv, "QLinearConv"),
    "relu": (lambda s, x: s.op("relu", s.op("leaky_relu", x)), "QLinearLeakyRelu"),
    "relu6": (lambda s, x: s.op("relu6", s.op("leaky_relu", x)), "QLinearLeakyRelu"),
    "identity": (one("identity"), "QLinearConv"),
}


def attention(s: Sketch, x: Ref, mask: Any = None) -> Ref:
    """Of a value [N, 4, 6, 6] with itself, as queries and keys and, behind a layer, as values."""
    return s.attention(x, s.op("sigmoid", x), s.op("leaky_relu", x), mask, rank=4)


ATTENTION: Mapping[str, tuple[Layer, str]] = {
    "attention": (attention, "Mul Softmax"),
    "with a constant mask": (
        lambda s, x: attention(s, x, np.where(np.tri(6) > 0, 0, -np.inf).astype(np.float32)),
        "Mul Add Softmax",
    ),
    "with a computed mask": (lambda s, x: attention(s, x, s.input("mask", 1, 1, 6)), "Mul Add Softmax"),
    "with a mask that was moved": (
        lambda s, x: attention(s, x, s.op("unsqueeze", s.input("mask", 1, 6), axes=(1,))),
        "Reshape Mul Add Softmax",
    ),
}
"""Layers of attention, and what of them the runtime computes on real numbers."""


def deployed(
    model: LoopbackModel, target: Target = ORT
) -> tuple[Quantized, Optimized, dict[str, CodeAgreement]]:
    """The quantized model, what the runtime makes of its file, and how their codes agree."""
    data: list[Batch] = batches(model, size=16)
    found = quantized(model, data, target)
    file = quantized_onnx(found.model, found.plan, found.simulation)
    return found, optimized(file.model), layer_agreement(found.model, found.simulation, file, data)


@pytest.mark.parametrize("case", LAYERS)
def test_a_quantized_layer_runs_on_integers_with_the_simulated_codes(case: str) -> None:
    build, kernel = LAYERS[case]
    s = Sketch(7)
    x = s.conv(s.input("x", 4, 6, 6), 4, 4)
    found, runtime, agreement = deployed(s.output(s.op("leaky_relu", build(s, x))))
    assert found.plan.skipped == ()
    sizes = Counter(Shape=1, Concat=1) if case == "resize_nearest" else Counter()  # of a batch of free size
    assert runtime.on_floats == sizes, runtime.on_floats
    assert runtime.on_integers[kernel] > 0, runtime.on_integers
    assert agreement
    assert {name: same for name, same in agreement.items() if same.different} == {}


@pytest.mark.parametrize("case", ATTENTION)
def test_both_products_of_attention_run_on_integers_with_the_simulated_codes(case: str) -> None:
    build, on_floats = ATTENTION[case]
    s = Sketch(7)
    x = s.conv(s.input("x", 4, 6, 6), 4, 4)
    found, runtime, agreement = deployed(s.output(s.op("leaky_relu", build(s, x))))
    assert found.plan["attention_1"].precision == "quantized"
    assert sorted(runtime.on_floats.elements()) == sorted(on_floats.split())
    assert (runtime.on_integers["MatMulIntegerToFloat"], runtime.on_integers["QLinearMatMul"]) == (1, 1)
    assert agreement["attention_1"] == CodeAgreement(3 * 16 * 4 * 6 * 6)


def test_every_kernel_of_the_target_is_seen_at_work() -> None:
    tried = {"attention"}
    for build, _ in LAYERS.values():
        s = Sketch(7)
        s.output(build(s, s.conv(s.input("x", 4, 6, 6), 4, 4)))
        tried |= {operation.type for operation in s.model.operations}
    assert set(ORT.kernels) - tried == set()


TIES = frozenset({"add", "mul", "mean", "avg_pool", "adaptive_avg_pool"})
"""A value halfway between two codes may round to the other: these kernels add zero points before they round."""


@pytest.mark.parametrize("make", [image_network, sequence_network])
@pytest.mark.parametrize("target", [ORT, EDGE], ids=lambda target: str(target.name))
def test_random_networks_give_the_runtime_s_codes(
    target: Target, make: Callable[[int], LoopbackModel]
) -> None:
    totals: dict[str, CodeAgreement] = {}
    for seed in range(20):
        found, _, agreement = deployed(make(seed), target)
        head_of = {group.end: head for head, group in found.plan.groups.items()}
        for end, same in agreement.items():
            type_name = found.model.graph[head_of.get(end, end)].type
            totals[type_name] = totals.get(type_name, CodeAgreement()).merge(same)
    assert len(totals) > 6
    for type_name, same in totals.items():
        assert same.largest_difference <= (type_name in TIES), type_name
        assert same.share_equal >= 0.9999, type_name


def test_the_range_of_a_softmax_is_the_one_its_kernel_computes_with() -> None:
    s = Sketch()
    found, _, agreement = deployed(s.output(s.op("softmax", s.linear(s.input("x", 8), 8, 5))))
    params = found.parameters.activations["softmax_1", 0]
    assert (float(params.scale), int(params.zero_point)) == (1 / 256, 0)
    assert agreement["softmax_1"].different == 0


def test_weights_of_half_range_give_the_runtime_s_codes_too() -> None:
    model = image_network(1)
    found, runtime, agreement = deployed(model, ORT.with_half_range())
    assert {p.format.quant_max for p in found.parameters.weights.values() if p.scale.ndim} == {64}
    assert runtime.on_floats.total() == 0
    assert all(same.share_equal >= 0.999 for same in agreement.values())


def test_every_port_of_a_float_layer_enters_by_its_own_pair() -> None:
    s = Sketch()
    parts = s.op("split", s.op("tanh", s.input("x", 8)), axis=1, sizes=(3, 5))
    _, runtime, agreement = deployed(s.output(s.linear(parts, 3, 2), s.linear(Ref(parts.record, 1), 5, 2)))
    assert runtime.on_integers["QGemm"] == 2
    assert agreement["split_1"] == CodeAgreement(3 * 16 * 8)


UNSUPPORTED: Mapping[str, tuple[Layer, str, str]] = {
    "a product whose weight comes first": (
        lambda s, x: s.op("matmul", s.weights(6, 6), x),
        "matmul_1",
        "its first operand is the weight",
    ),
    "a padding that something else reads": (
        one("pad", pads=((0, 0), (0, 0), (1, 1), (1, 1))),
        "pad_1",
        "it is no spatial padding read by convolutions alone",
    ),
    "a padding of channels": (
        lambda s, x: s.conv(s.op("pad", x, pads=((0, 0), (1, 1), (0, 0), (0, 0))), 6, 4),
        "pad_1",
        "it is no spatial padding read by convolutions alone",
    ),
    "a padding with something": (
        lambda s, x: s.conv(s.op("pad", x, pads=((0, 0), (0, 0), (1, 1), (1, 1)), value=1.0), 4, 4),
        "pad_1",
        "it pads with 1.0",
    ),
    "a padding by reflection": (
        lambda s, x: s.conv(s.op("pad", x, pads=((0, 0), (0, 0), (1, 1), (1, 1)), mode="reflect"), 4, 4),
        "pad_1",
        "it pads with reflect",
    ),
    "an average that counts padding beyond the padding": (
        one("avg_pool", **_KERNEL, padding=SAME, ceil_mode=True),
        "avg_pool_1",
        "its last windows reach beyond the padding they count",
    ),
    "a weighted sum": (lambda s, x: s.op("add", x, x, alpha=2), "add_1", "it multiplies an operand by 2"),
    "a mean over channels": (one("mean", axes=(1,)), "mean_1", "it averages axes (1,), not all spatial ones"),
    "uneven parts": (
        one("adaptive_avg_pool", output_size=(4, 4)),
        "adaptive_avg_pool_1",
        "output size (4, 4) does not divide the input size (6, 6)",
    ),
    "a repetition along new axes": (one("repeat", repeats=(2, 1, 1, 1, 1)), "repeat_1", "it adds axes"),
}


@pytest.mark.parametrize("case", UNSUPPORTED)
def test_what_the_runtime_would_compute_otherwise_stays_float(case: str) -> None:
    build, layer, reason = UNSUPPORTED[case]
    s = Sketch(7)
    model = s.output(s.op("leaky_relu", build(s, s.conv(s.input("x", 4, 6, 6), 4, 4))))
    (cause,) = quantized(model, batches(model)).plan[layer].causes
    assert (cause.kind, cause.of) == ("unsupported", (f"ort has no quantized kernel for it: {reason}",))

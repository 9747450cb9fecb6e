"""A target is data: what it supports follows from its table, and every refusal gives its reason."""

from __future__ import annotations

from dataclasses import replace

import pytest

from clika_core.errors import TargetError
from clika_core.ir.graph import Graph, Node
from clika_core.plugins.registry import targets
from clika_core.schemes import PerChannel, PerTensor
from clika_core.targets.ort import ORT
from clika_core.targets.registration import clika_register_targets
from clika_core.targets.target import Arithmetic, Kernel, Target
from clika_core.testing import GraphBuilder


def conv(**weights: tuple[int, ...]) -> tuple[Graph, Node]:
    g = GraphBuilder()
    x = g.input("x", ("d0", 3, 8, 8))
    roles = ["input"] if weights else ["input", "weight"]
    operands = [x] if weights else [x, g.input("w", (4, 3, 3, 3))]
    g.output(g.layer("conv", *operands, roles=roles, weights=weights))
    graph = g.build()
    return graph, graph["conv_1"]


def test_the_project_s_targets_are_registered_as_a_stranger_s_would_be() -> None:
    names = [target.name for target in clika_register_targets()]
    assert names == ["ort", "ov", "trt", "tflite", "qnn", "stablehlo", "simulation"]
    assert all(targets()[name].name == name for name in names)


def test_a_type_without_a_kernel_is_not_supported() -> None:
    g = GraphBuilder()
    g.output(g.layer("gelu", g.input()))
    graph = g.build()
    assert ORT.support(graph, graph["gelu_1"]) == "ort has no quantized kernel for gelu"


def test_a_kernel_that_needs_a_constant_weight_says_so() -> None:
    assert ORT.support(*conv(weight=(4, 3, 3, 3))) is None
    assert ORT.support(*conv()) == "ort runs conv quantized only with a constant weight"


@pytest.mark.parametrize(
    ("bits", "reason"),
    [((8, 8), None), ((4, 8), "ort has no 4-bit weights"), ((8, 16), "ort has no 16-bit activations")],
)
def test_widths_without_a_kernel_are_named(bits: tuple[int, int], reason: str | None) -> None:
    assert ORT.support(*conv(weight=(4, 3, 3, 3)), *bits) == reason


def test_the_width_of_weights_matters_only_to_layers_that_have_some() -> None:
    g = GraphBuilder()
    g.output(g.layer("relu", g.input()))
    graph = g.build()
    assert ORT.support(graph, graph["relu_1"], 4, 8) is None


def test_a_condition_gives_the_end_of_the_sentence() -> None:
    kernel = Kernel(Arithmetic.ACCUMULATE, condition=lambda _, node: f"{node.name} is one")
    target = replace(ORT, kernels={"conv": kernel})
    assert target.support(*conv(weight=(4, 3, 3, 3))) == "ort has no quantized kernel for it: conv_1 is one"


def test_schemes_follow_the_kernel_s_axis_and_the_width_asked_for() -> None:
    _, node = conv(weight=(4, 3, 3, 3))
    assert ORT.weight_scheme(node).granularity == PerChannel(0)
    single = replace(ORT, kernels={"conv": Kernel(Arithmetic.ACCUMULATE)})
    assert single.weight_scheme(node).granularity == PerTensor()
    assert ORT.weight_scheme(node, 4).format.num_bits == 4
    assert ORT.activation_scheme(16).format.num_bits == 16
    assert (ORT.weight_scheme(node).is_symmetric, ORT.activation_scheme().is_symmetric) == (True, False)


def test_a_target_of_half_range_keeps_weights_within_half_of_the_codes() -> None:
    _, node = conv(weight=(4, 3, 3, 3))
    half = ORT.with_half_range().weight_scheme(node).format
    assert (half.quant_min, half.quant_max) == (-64, 64)


def test_a_target_without_half_range_refuses_it() -> None:
    with pytest.raises(TargetError, match="target ort always uses the full range of weights"):
        replace(ORT, has_half_range=False).with_half_range()


def test_every_kernel_says_how_it_computes() -> None:
    g = GraphBuilder()
    x = g.input("x", ("d0", 8))
    g.output(g.layer("flatten", g.layer("add", g.layer("linear", x, weight=(8, 8)), x)))
    graph = g.build()
    found = {node.type: ORT.arithmetic(node) for node in graph.layers}
    assert found == {
        "linear": Arithmetic.ACCUMULATE,
        "add": Arithmetic.SUM,
        "flatten": Arithmetic.MOVE,
    }


def test_a_target_can_be_used_as_a_value() -> None:
    copy: Target = replace(ORT, name="copy")
    assert copy != ORT
    assert replace(copy, name="ort") == ORT

"""The planned graph, drawn: what is removed, fused, quantized, float, and where values cross."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from hypothesis import given

from clika_core.errors import SettingsError
from clika_core.pictures.dot import DotGraph, DotNode, Markup
from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.planning.plan import Plan, make_plan
from clika_core.settings import Settings
from clika_core.targets.ort import ORT
from clika_core.testing.builder import GraphBuilder
from clika_core.testing.strategies import Scenario, scenarios
from tests.core.pictures.networks import hostile, residual


def planned(scenario: Scenario) -> Plan:
    """The plan of a scenario; no layer at all is skipped where its rules contradict each other."""
    try:
        return make_plan(scenario.graph, scenario.settings(), scenario.target, scenario.sensitivity)
    except SettingsError:
        return make_plan(scenario.graph, Settings(), scenario.target, scenario.sensitivity)


def boxes(picture: DotGraph) -> Mapping[str, DotNode]:
    return {node.id: node for node in picture.nodes}


def lines(node: DotNode) -> list[str]:
    """The texts of a box, a row each."""
    label = node.attributes["label"]
    assert isinstance(label, Markup)
    rows = re.findall(r"<TR>(.*?)</TR>", label.text)
    return [text for text in (" ".join(re.findall(r">([^<>]+)<", row)) for row in rows) if text]


@pytest.fixture(scope="module")
def picture() -> DotGraph:
    return preprocessed_picture(residual())


def test_removed_layers_have_no_box_and_their_hosts_name_them(picture: DotGraph) -> None:
    found = boxes(picture)
    assert not any(name.startswith(("batch_norm", "dropout")) for name in found)
    assert "+ batch_norm_1 folded into the weights" in lines(found["conv_1"])
    assert "dropout_1 removed behind it" in lines(found["flatten_1"])


def test_fused_layers_share_the_box_of_their_head(picture: DotGraph) -> None:
    found = boxes(picture)
    assert "relu_1" not in found
    assert lines(found["conv_1"]) == [
        "conv_1 quantized",
        "conv · stem.conv",
        "[d0, 3, 32, 32] → [d0, 16, 32, 32]",
        "kernel_size 3×3, strides 1×1, padding 1×1",
        "weight [16, 3, 3, 3]",
        "+ batch_norm_1 folded into the weights",
        "relu_1 fused into conv_1",
        "relu · stem.act",
        "[d0, 16, 32, 32] → [d0, 16, 32, 32]",
        "QS 0.0123",
    ]


def test_a_float_box_says_why(picture: DotGraph) -> None:
    found = boxes(picture)
    assert lines(found["conv_2"])[-1] == "why: rule conv_2 (settings.yaml:18)"
    assert lines(found["conv_3"])[-2:] == ["QS 0.25", "why: too sensitive: 0.25 &gt; 0.1"]
    assert lines(found["softmax_1"])[-1] == "why: tail of output_1"
    assert lines(found["flatten_1"])[-3:] == [
        "why: rule adaptive_avg_pool_1 until linear_1",
        "(settings.yaml:14)",
        "and: follows float adaptive_avg_pool_1",
    ]


def test_a_layer_that_a_rule_keeps_quantized_says_what_it_overrides(picture: DotGraph) -> None:
    assert lines(boxes(picture)["linear_2"])[-1] == "overrides: tail of output_1"


def test_borders_stand_between_float_and_integers_as_small_boxes(picture: DotGraph) -> None:
    arrows = [(edge.tail, edge.head) for edge in picture.edges]
    assert lines(boxes(picture)["x_quantized"]) == ["x_quantized", "quantize: float → integer"]
    assert lines(boxes(picture)["relu_1_dequantized"]) == [
        "relu_1_dequantized",
        "dequantize: integer → float",
    ]
    assert ("x", "x_quantized") in arrows
    assert ("x_quantized", "conv_1") in arrows
    assert ("conv_1", "relu_1_dequantized") in arrows
    assert ("relu_1_dequantized", "conv_2") in arrows


def test_the_caption_counts_what_was_decided(picture: DotGraph) -> None:
    label = picture.attributes["label"]
    assert isinstance(label, Markup)
    assert "17 layers: 5 quantized, 8 float, 4 removed — 6 borders between float and integers" in label.text


def test_a_border_named_like_a_layer_is_a_box_of_its_own() -> None:
    found = boxes(preprocessed_picture(hostile()))
    assert lines(found["x_dequantized"])[0] == "x_dequantized quantized"
    assert lines(found["x_dequantized'"])[0] == "x_dequantized"


def test_a_value_used_twice_has_two_arrows() -> None:
    g = GraphBuilder()
    x = g.input("x")
    g.output(g.layer("linear", g.layer("mul", x, x), weight=(8, 8)))
    arrows = [(e.tail, e.head) for e in preprocessed_picture(make_plan(g.build(), Settings(), ORT)).edges]
    assert arrows.count(("x_quantized", "mul_1")) == 2
    assert arrows.count(("x", "x_quantized")) == 1


@given(scenarios())
def test_every_layer_that_stays_has_one_section_in_the_look_of_its_precision(scenario: Scenario) -> None:
    plan = planned(scenario)
    found = boxes(preprocessed_picture(plan))
    for decision in plan.decisions:
        if decision.precision == "removed":
            assert decision.name not in found
            continue
        assert decision.group is not None
        box = found[decision.group]
        assert box.attributes["class"] == decision.precision
        heads = [line for line in lines(box) if line.startswith(f"{decision.name} ")]
        word = decision.precision if decision.name == decision.group else f"fused into {decision.group}"
        assert f"{decision.name} {word}" in heads


@given(scenarios())
def test_every_border_is_fed_by_its_producer_and_read_by_its_consumers(scenario: Scenario) -> None:
    plan = planned(scenario)
    picture = preprocessed_picture(plan)
    box_of = {name: group.head for group in plan.groups.values() for name in group.members}
    for border in plan.borders:
        tails = {edge.tail for edge in picture.edges if edge.head == border.name}
        heads = {edge.head for edge in picture.edges if edge.tail == border.name}
        assert tails == {box_of.get(border.producer, border.producer)}
        assert heads == {box_of.get(name, name) for name in border.consumers}


@given(scenarios())
def test_no_float_box_touches_a_quantized_one_without_a_border(scenario: Scenario) -> None:
    plan = planned(scenario)
    picture = preprocessed_picture(plan)
    classes = {node.id: str(node.attributes["class"]) for node in picture.nodes}
    for edge in picture.edges:
        kinds = {classes[edge.tail], classes[edge.head]}
        if edge.attributes.get("style") != "dotted" and "border" not in kinds:
            assert "quantized" not in kinds or kinds == {"quantized"}

"""The oracle on the examples of the semantics page, worked out by hand: who checks others is checked first."""

from __future__ import annotations

import pytest

from clika_core.ir.graph import Graph
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.testing import GraphBuilder
from clika_core.testing.strategies import LAB, Scenario
from tests.core.planning.asking import bits, keep, skip
from tests.core.planning.networks import chain, classifier, detector, diamond, residual, transformer
from tests.properties.oracle.paths import all_paths, between, downstream, paths_between, tail_of
from tests.properties.oracle.selection import ContradictionError, Specificity, select
from tests.properties.oracle.verdicts import Oracle


def floats(graph: Graph, **rules: LayerQuantizationSettings) -> set[str]:
    """The float layers under the rules, without a tail, where everything can be quantized."""
    return Oracle(Scenario(graph, tuple(rules.items()), LAB, tail=False)).floats


def test_a_path_is_listed_once_for_each_way_and_not_for_each_edge() -> None:
    graph = chain("relu", "relu")
    assert list(all_paths(graph, "relu_1")) == [
        ("relu_1",), ("relu_1", "relu_2"), ("relu_1", "relu_2", "output_1")
    ]  # fmt: skip
    g = GraphBuilder()
    square = g.layer("mul", *[g.layer("relu", g.input("x"))] * 2)
    g.output(square)
    assert paths_between(g.build(), "relu_1", "mul_1") == [("relu_1", "mul_1")]


def test_a_ladder_of_forks_has_a_path_for_every_choice() -> None:
    g = GraphBuilder()
    h = g.input("x")
    for _ in range(5):
        h = g.layer("add", h, g.layer("relu", h))
    g.output(h)
    assert len(paths_between(g.build(), "x", "output_1")) == 2**5


def test_the_tail_of_a_classifier_is_its_last_linear_and_what_follows() -> None:
    assert tail_of(classifier(), "output_1") == {"linear_5"}


def test_the_tail_of_a_residual_sum_is_the_second_linear_and_the_sum() -> None:
    assert tail_of(residual(), "output_1") == {"linear_2", "add_1"}


def test_the_tail_of_a_detector_starts_at_the_last_convolution_of_every_head() -> None:
    assert tail_of(detector(), "output_1") == {
        "conv_3", "permute_1", "reshape_1", "conv_5", "permute_2", "reshape_2", "concat_1", "sigmoid_1"
    }  # fmt: skip


def test_the_residual_stream_does_not_drag_a_transformer_into_its_tail() -> None:
    assert tail_of(transformer(2), "output_1") == {"linear_12", "add_4", "layer_norm_4"}


def test_without_a_weighted_layer_every_layer_upstream_is_the_tail() -> None:
    assert tail_of(diamond(), "output_1") == {"relu_1", "relu_2", "sigmoid_1", "add_1"}
    assert tail_of(diamond(), "output_2") == {"relu_1", "sigmoid_1", "softmax_1"}


def test_until_holds_every_layer_on_any_path_with_both_ends() -> None:
    assert between(diamond(), ["relu_1"], ["add_1"]) == {"relu_1", "relu_2", "sigmoid_1", "add_1"}
    assert between(diamond(), ["sigmoid_1"], ["softmax_1"]) == {"sigmoid_1", "softmax_1"}
    assert between(diamond(), ["add_1"], ["add_1"]) == {"add_1"}
    assert between(diamond(), ["add_1"], ["relu_1"]) == set()


def test_downstream_holds_everything_that_can_be_reached() -> None:
    assert downstream(diamond(), ["sigmoid_1"]) == {"sigmoid_1", "add_1", "softmax_1"}


def test_the_guides_first_example_skips_from_the_pool_to_the_last_linear() -> None:
    assert floats(classifier(), adaptive_avg_pool_1=skip(["linear_5"])) == {
        "adaptive_avg_pool_1", "flatten_1", "linear_1", "relu_3", "linear_2", "relu_4", "linear_3", "relu_5",
        "linear_4", "relu_6", "linear_5",
    }  # fmt: skip


def test_the_guides_second_example_skips_the_same_here() -> None:
    first = floats(classifier(), adaptive_avg_pool_1=skip(["linear_5"]))
    assert floats(classifier(), adaptive_avg_pool_1=skip(downstream=True)) == first


def test_a_follower_goes_with_its_head_and_a_float_follower_ends_the_group() -> None:
    graph = chain("softmax", "conv", "relu", "relu6", "softmax")
    assert Oracle(Scenario(graph, (), LAB, tail=False)).heads["relu6_1"] == "conv_1"
    assert floats(graph, conv_1=skip()) == {"conv_1", "relu_1", "relu6_1"}
    assert floats(graph, relu_1=skip()) == {"relu_1"}


def test_a_move_follows_its_producer_and_at_the_entrance_its_consumers() -> None:
    graph = chain("reshape", "permute", "conv", "reshape", "softmax")
    assert floats(graph, conv_1=skip()) == {"reshape_1", "permute_1", "conv_1", "reshape_2"}


def test_an_explicit_false_keeps_a_layer_from_rules_but_not_from_its_producer() -> None:
    graph = chain("conv", "reshape", "softmax")
    rules = {"conv_1": skip(downstream=True), "reshape_1": keep(), "softmax_1": keep()}
    assert floats(graph, **rules) == {"conv_1", "reshape_1"}


def test_the_most_specific_bits_hold() -> None:
    graph = chain("conv")
    scenario = Scenario(graph, (("conv_*", bits(4)), ("conv_1", bits(8))), LAB, tail=False)
    assert Oracle(scenario).own["conv_1"].weights_num_bits == 8


def test_selectors_are_read_as_names_then_paths_then_globs() -> None:
    graph = classifier()
    assert select(graph, "linear_5") == {"linear_5": Specificity.NAME}
    assert select(graph, "classifier.4") == {"linear_5": Specificity.PATH}
    assert set(select(graph, "features").values()) == {Specificity.PREFIX}
    assert set(select(graph, "features")) == {"conv_1", "batch_norm_1", "conv_2"}
    assert set(select(graph, "features.*.conv")) == {"conv_1", "conv_2"}
    assert select(graph, "feature") == {}
    assert set(select(graph, "features[1]/conv")) == {"conv_2"}


@pytest.mark.parametrize(
    "rules",
    [
        {"conv_*": skip(), "*_1": keep()},
        {"no_such_layer": skip()},
        {"linear_5": skip(["adaptive_avg_pool_1"])},
        {"linear_1": skip(["linear_5", "conv_1"])},
        {"linear_1": skip(["linear_9"])},
    ],
    ids=["conflict", "unmatched", "upstream", "one of two upstream", "unmatched target"],
)
def test_what_cannot_be_meant_is_a_contradiction(rules: dict[str, LayerQuantizationSettings]) -> None:
    with pytest.raises(ContradictionError):
        floats(classifier(), **rules)


def test_borders_stand_where_values_change() -> None:
    oracle = Oracle(Scenario(chain("conv", "softmax", "conv"), (("softmax_1", skip()),), LAB, tail=False))
    assert [crossing.name for crossing in oracle.crossings()] == [
        "x_quantized", "conv_1_dequantized", "softmax_1_quantized", "conv_2_dequantized"
    ]  # fmt: skip

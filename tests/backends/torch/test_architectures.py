"""Tails, ranges and selectors on every kind of network, each expectation read off the rules, not off the program.

Names are an operator's type and its number in the order in which the network runs. Dropouts are removed, and no
decision names them.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from typing import Any

import pytest

import clika_core as clika
from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph
from tests.backends.torch.architectures import ARCHITECTURES

Rule = dict[str, Any]


@cache
def graph(name: str) -> Graph:
    make, inputs = ARCHITECTURES[name]
    return clika.trace(make().eval(), inputs).graph


def planned(name: str, rules: Rule | None = None, tail: Any = None) -> clika.Plan:
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = tail
    for selector, more in (rules or {}).items():
        rule = clika.LayerQuantizationSettings(skip_quantization=True, **more)
        settings.set_quantization_settings_for_layer(selector, rule)
    return clika.plan(graph(name), settings)


def tails(name: str, tail: Any = None) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for decision in planned(name, tail=tail).decisions:
        for cause in decision.causes:
            if cause.kind == "tail":
                for output in cause.of:
                    found[output].add(decision.name)
    return dict(found)


def ruled(name: str, selector: str, **more: Any) -> set[str]:
    plan = planned(name, {selector: more}, tail=False)
    return {d.name for d in plan.decisions if any(cause.kind == "rule" for cause in d.causes)}


HEADS = "conv_3 permute_1 reshape_1 conv_4 permute_2 reshape_2 concat_1 slice_1 sigmoid_1"

TAILS: dict[str, dict[str, str]] = {
    "classifier": {"output_1": "linear_2"},
    "residual": {"output_1": "conv_5 add_2 relu_4"},  # not relu_2, which the last block's convolutions follow
    "detector": {"output_1": HEADS, "output_2": HEADS.replace("slice_1 sigmoid_1", "slice_2")},
    "u-net": {"output_1": "conv_5"},
    "post-norm": {"output_1": "linear_8 add_4 layer_norm_4"},
    "pre-norm": {"output_1": "linear_8 add_4 layer_norm_5"},
    "decoder": {
        "output_1": "linear_13",
        "output_2": "linear_1 concat_1",
        "output_3": "linear_2 concat_2",
        "output_4": "linear_7 concat_3",
        "output_5": "linear_8 concat_4",
    },
    "intermediate": {"output_1": "linear_3", "output_2": "linear_2 relu_2"},
    "super-resolution": {"output_1": "conv_2 add_1"},
    "twice": {"output_1": "linear_3"},
    "tied": {"output_1": "linear_2"},
    "recurrent": {"output_1": "linear_2", "output_2": "lstm_1"},
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_tail_of_each_output_is_what_no_weighted_layer_follows(name: str) -> None:
    assert tails(name) == {output: set(layers.split()) for output, layers in TAILS[name].items()}


def test_only_the_outputs_that_are_listed_have_a_tail() -> None:
    assert tails("decoder", ["logits"]) == {"output_1": {"linear_13"}}
    assert set(tails("decoder", ["past.1.*"])) == {"output_4", "output_5"}
    assert tails("intermediate", ["output_1"]) == {"output_1": {"linear_3"}}
    with pytest.raises(SettingsError, match="did you mean 'logits'"):
        tails("decoder", ["logit"])


UNTIL: list[tuple[str, str, list[str], str]] = [
    (
        "classifier",
        "adaptive_avg_pool_1",
        ["linear_2"],
        "adaptive_avg_pool_1 flatten_1 linear_1 relu_2 linear_2",
    ),
    ("classifier", "pool", ["head.1"], "adaptive_avg_pool_1 flatten_1 linear_1"),
    ("residual", "conv_2", ["add_1"], "conv_2 relu_1 conv_3 add_1"),
    ("residual", "stem", ["relu_2"], "conv_1 conv_2 relu_1 conv_3 add_1 relu_2"),
    ("detector", "head_a", ["concat_1"], "conv_3 permute_1 reshape_1 concat_1"),
    ("detector", "re:conv_[34]", ["sigmoid_1", "slice_2"], f"{HEADS} slice_2"),
    ("u-net", "mid", ["up"], "conv_3 relu_3 conv_transpose_1"),
    (  # the skip, and the way round through the depth
        "u-net",
        "relu_1",
        ["concat_1"],
        "relu_1 max_pool_1 conv_2 relu_2 conv_3 relu_3 conv_transpose_1 concat_1",
    ),
    ("post-norm", "layers.1.linear1", ["layers.1.linear2"], "linear_7 relu_2 linear_8"),
    ("pre-norm", "layers.1.norm2", ["norm"], "layer_norm_4 linear_7 relu_2 linear_8 add_4 layer_norm_5"),
    ("decoder", "blocks.0.q", ["blocks.0.o"], "linear_3 attention_1 linear_4"),
    ("decoder", "blocks.1.k", ["add_3"], "linear_7 concat_3 attention_2 linear_10 add_3"),
    ("intermediate", "b", ["relu_2"], "linear_2 relu_2"),
    ("super-resolution", "a", ["add_1"], "conv_1 relu_1 conv_2 add_1"),
    ("twice", "shared", ["shared"], "linear_1 relu_1 linear_2"),  # from the first use to the second
    ("tied", "embed", ["mid"], "embedding_1 linear_1"),
    ("recurrent", "split_1", ["lstm"], "split_1 sigmoid_1 mul_1 lstm_1"),
    ("recurrent", "sigmoid_1", ["sigmoid_1"], "sigmoid_1"),
]


@pytest.mark.parametrize(("name", "start", "ends", "layers"), UNTIL)
def test_until_takes_every_layer_on_every_way_and_both_ends(
    name: str, start: str, ends: list[str], layers: str
) -> None:
    assert ruled(name, start, skip_quantization_until=ends) == set(layers.split())


DOWNSTREAM: list[tuple[str, str, str]] = [
    ("classifier", "pool", "adaptive_avg_pool_1 flatten_1 linear_1 relu_2 linear_2"),
    ("residual", "relu_2", "relu_2 conv_4 relu_3 conv_5 add_2 relu_4"),
    ("detector", "head_b", "conv_4 permute_2 reshape_2 concat_1 slice_1 sigmoid_1 slice_2"),
    ("u-net", "up", "conv_transpose_1 concat_1 conv_4 relu_4 conv_5"),
    ("post-norm", "layers.1.linear2", "linear_8 add_4 layer_norm_4"),
    ("pre-norm", "layers.1.linear2", "linear_8 add_4 layer_norm_5"),
    (
        "decoder",
        "blocks.1.v",
        "linear_8 concat_4 attention_2 linear_10 add_3 linear_11 gelu_2 linear_12 add_4 linear_13",
    ),
    ("intermediate", "b", "linear_2 relu_2 linear_3"),
    ("super-resolution", "b", "conv_2 add_1"),
    ("twice", "name:linear_2", "linear_2 relu_2 linear_3"),
    ("tied", "mid", "linear_1 relu_1 linear_2"),
    ("recurrent", "lstm", "lstm_1 linear_2"),
]


@pytest.mark.parametrize(("name", "start", "layers"), DOWNSTREAM)
def test_downstream_takes_every_layer_that_is_reached(name: str, start: str, layers: str) -> None:
    assert ruled(name, start, skip_quantization_downstream=True) == set(layers.split())


SELECTED: list[tuple[str, str, str]] = [
    ("classifier", "head", "flatten_1 linear_1 relu_2 linear_2"),  # a path means what is below it
    ("classifier", "op:linear", "linear_1 linear_2"),
    ("classifier", "conv2d", "conv_1"),  # the framework's own name
    ("residual", "blocks.1", "conv_4 relu_3 conv_5 add_2 relu_4"),
    ("residual", "blocks.*.a", "conv_2 conv_4"),
    ("residual", "blocks[1]/a", "conv_4"),
    ("detector", "head_*", "conv_3 conv_4"),
    ("u-net", "re:conv_[0-9]", "conv_1 conv_2 conv_3 conv_4 conv_5"),  # not conv_transpose_1
    ("post-norm", "layers.*.linear1", "linear_3 linear_7"),
    ("pre-norm", "op:layer_norm", "layer_norm_1 layer_norm_2 layer_norm_3 layer_norm_4 layer_norm_5"),
    ("decoder", "blocks.**.up", "linear_5 linear_11"),
    ("decoder", "op:attention", "attention_1 attention_2"),
    ("twice", "shared", "linear_1 linear_2"),  # both uses
    ("twice", "linear_1", "linear_1"),
    ("tied", "head", "linear_2"),  # the embedding has the weight too, and another path
    ("recurrent", "op:lstm", "lstm_1"),
]


@pytest.mark.parametrize(("name", "selector", "layers"), SELECTED)
def test_selectors_find_their_layers(name: str, selector: str, layers: str) -> None:
    assert ruled(name, selector) == set(layers.split())


@pytest.mark.parametrize(
    ("name", "start", "end", "said"),
    [
        ("detector", "head_b", "permute_1", "branch"),
        ("residual", "relu_4", "conv_1", "swap"),
        ("classifier", "pool", "liner_2", "did you mean 'linear_2'"),
        ("twice", "name:linear_2", "name:linear_1", "swap"),
    ],
)
def test_an_end_that_is_not_reached_is_an_error_that_says_why(
    name: str, start: str, end: str, said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        ruled(name, start, skip_quantization_until=[end])
    assert said in str(caught.value)


def test_a_weight_used_twice_keeps_its_identity() -> None:
    def identity(name: str, layer: str) -> str:
        weight = graph(name)[layer].weight("weight")
        assert weight is not None
        return weight.identity

    assert identity("tied", "embedding_1") == identity("tied", "linear_2")
    assert identity("twice", "linear_1") == identity("twice", "linear_2")
    assert identity("twice", "linear_1") != identity("twice", "linear_3")


def test_borders_stand_at_each_output_of_a_split_where_it_changes() -> None:
    skipped = planned("recurrent", {"mul_1": {}})
    assert {border.name for border in skipped.borders} == {
        "x_quantized",
        "split_1.1_dequantized",
        "sigmoid_1_dequantized",
    }
    one_half = planned("recurrent", {"sigmoid_1": {}}, tail=False)
    names = {border.name for border in one_half.borders}
    assert {"split_1_dequantized", "sigmoid_1_quantized"} <= names
    assert "split_1.1_dequantized" not in names


def test_caches_that_were_passed_as_one_tensor_stay_two_inputs() -> None:
    make, (ids, past) = ARCHITECTURES["decoder"]
    traced = clika.trace(make().eval(), (ids, [past[0], past[0]]))
    readers = {port.producer for layer in traced.graph.layers for port in layer.inputs}
    assert {f"past.{block}.{part}" for block in (0, 1) for part in (0, 1)} <= readers

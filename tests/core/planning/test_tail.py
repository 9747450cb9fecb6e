"""The tail: every layer upstream of an output after which no weighted layer follows on the way to it."""

from __future__ import annotations

import pytest

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph
from clika_core.planning.decision import CauseKind
from clika_core.planning.plan import Plan
from clika_core.testing import GraphBuilder
from tests.core.planning.asking import ask, skip
from tests.core.planning.networks import chain, classifier, detector, residual, transformer


def tail(plan: Plan) -> set[str]:
    """The layers that the tail keeps float."""
    return {d.name for d in plan.decisions if any(cause.kind is CauseKind.TAIL for cause in d.causes)}


@pytest.mark.parametrize(
    ("graph", "expected"),
    [
        (classifier(), "linear_5"),
        (residual(), "linear_2 add_1"),
        (detector(), "conv_3 permute_1 reshape_1 conv_5 permute_2 reshape_2 concat_1 sigmoid_1"),
        (chain("conv", "relu", "softmax"), "conv_1 relu_1 softmax_1"),
        (chain("softmax", "relu"), "softmax_1 relu_1"),
    ],
    ids=["classifier", "residual sum", "detector", "what follows", "nothing weighted upstream"],
)
def test_by_default_the_tail_is_skipped(graph: Graph, expected: str) -> None:
    assert tail(ask(graph, tail=None)) == set(expected.split()) == tail(ask(graph, tail=True))


def test_tail_skipping_can_be_switched_off() -> None:
    assert tail(ask(detector(), tail=False)) == set()


def test_the_tail_of_a_post_norm_transformer_is_its_last_block_from_the_second_feed_forward_linear() -> None:
    assert tail(ask(transformer(), tail=["last_hidden_state"])) == {"linear_12", "add_4", "layer_norm_4"}


def test_caches_among_the_outputs_make_nearly_every_block_a_tail() -> None:
    keys = {"linear_2", "linear_8"}
    assert tail(ask(transformer(), tail=None)) == keys | {"linear_12", "add_4", "layer_norm_4"}


@pytest.mark.parametrize("entry", ["output_1", "last_hidden_state", "last_*"])
def test_outputs_are_named_by_name_alias_or_glob(entry: str) -> None:
    assert "layer_norm_4" in tail(ask(transformer(), tail=[entry]))
    assert "linear_2" not in tail(ask(transformer(), tail=[entry]))


def test_a_cause_names_the_outputs_whose_tail_a_layer_belongs_to() -> None:
    g = GraphBuilder()
    shared = g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(8, 3, 1, 1))
    g.output(g.layer("relu", shared))
    g.output(g.layer("sigmoid", shared))
    plan = ask(g.build(), tail=None)
    assert [cause.of for cause in plan["conv_1"].causes] == [("output_1", "output_2")]
    assert [cause.of for cause in plan["relu_1"].causes if cause.kind is CauseKind.TAIL] == [("output_1",)]


def test_a_layer_before_a_weighted_one_on_any_way_is_not_in_the_tail() -> None:
    g = GraphBuilder()
    x = g.layer("relu", g.input("x"))
    g.output(g.layer("add", g.layer("sigmoid", x), g.layer("linear", x, weight=(8, 8))))
    assert tail(ask(g.build(), tail=None)) == {"sigmoid_1", "linear_1", "add_1"}


def test_a_product_is_weighted_only_with_a_parametric_operand() -> None:
    g = GraphBuilder()
    h = g.layer("linear", g.input("x"), weight=(8, 8))
    g.output(g.layer("matmul", h, g.layer("relu", h)))
    assert tail(ask(g.build(), tail=None)) == {"linear_1", "relu_1", "matmul_1"}
    g = GraphBuilder()
    h = g.layer("linear", g.input("x"), weight=(8, 8))
    g.output(g.layer("matmul", h, weights={"other": (8, 8)}))
    assert tail(ask(g.build(), tail=None)) == {"matmul_1"}


def test_norm_layers_are_not_weighted_and_embeddings_and_lstms_are() -> None:
    g = GraphBuilder()
    h = g.layer("embedding", g.input("ids", ("d0", 4), "int64"), weight=(10, 8))
    h = g.layer("lstm", h, weights={"weights.0": (32, 8)})
    g.output(g.layer("layer_norm", h, weight=(8,)))
    assert tail(ask(g.build(), tail=None)) == {"lstm_1", "layer_norm_1"}


def test_a_removed_layer_in_the_tail_stays_removed_and_has_no_cause() -> None:
    plan = ask(chain("conv", "batch_norm", "dropout", "relu"), tail=None)
    assert tail(plan) == {"conv_1", "relu_1"}
    assert [str(plan[name].precision) for name in ("batch_norm_1", "dropout_1")] == ["removed", "removed"]


def test_an_output_that_is_an_input_has_no_tail() -> None:
    g = GraphBuilder()
    x = g.input("x")
    g.output(x)
    assert ask(g.build(), tail=None).decisions == ()


def test_an_output_that_does_not_exist_is_an_error_that_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="last_hidden_state"):
        ask(transformer(), tail=["last_hiden_state"])


def test_tail_and_rule_are_both_told() -> None:
    causes = ask(classifier(), {"linear_5": skip()}, tail=None)["linear_5"].causes
    assert [cause.kind for cause in causes] == [CauseKind.TAIL, CauseKind.RULE]

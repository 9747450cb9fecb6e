"""Causes: every one that holds is listed, in the order of the semantics page."""

from __future__ import annotations

import pytest

from clika_core.planning.decision import Cause, CauseKind, Precision
from clika_core.planning.plan import make_plan
from clika_core.settings.model import LayerQuantizationSettings
from clika_core.testing import GraphBuilder
from clika_core.testing.strategies import LAB
from tests.core.planning.asking import ask, keep, kinds, settings_of, skip
from tests.core.planning.networks import chain


def inherited(causes: tuple[Cause, ...]) -> list[tuple[str, ...]]:
    """What each inherited cause names."""
    return [cause.of for cause in causes if cause.kind is CauseKind.INHERITED]


def test_a_layer_without_floating_point_output_is_float_only() -> None:
    plan = ask(chain("linear", "argmax"))
    assert "float_only" in kinds(plan["argmax_1"])


def test_every_cause_is_listed_also_of_a_layer_that_is_float_only() -> None:
    """onnxruntime has no integer kernel for argmax: that holds as well."""
    plan = ask(chain("linear", "argmax"), {"argmax_1": skip()}, tail=None)
    assert kinds(plan["argmax_1"]) == ["float_only", "unsupported", "tail", "rule selected"]


def test_a_layer_with_one_floating_point_output_among_others_is_not_float_only() -> None:
    g = GraphBuilder()
    values, indices = g.layer(
        "top_k", g.layer("linear", g.input("x"), weight=(8, 8)), dtypes=("float32", "int64"), outputs=2
    ).ports
    g.output(g.layer("softmax", values))
    g.output(indices)
    assert "float_only" not in kinds(ask(g.build(), target=LAB)["top_k_1"])


def test_a_type_the_target_does_not_list_is_unsupported_with_the_reason() -> None:
    causes = ask(chain("gelu"))["gelu_1"].causes
    assert [cause.kind for cause in causes] == [CauseKind.UNSUPPORTED]
    assert "gelu" in causes[0].of[0]


def test_an_unknown_type_is_unsupported_whatever_the_target_says() -> None:
    assert LAB.kernels["aten.fft_rfft"] is not None
    assert kinds(ask(chain("aten.fft_rfft"), target=LAB)["aten_fft_rfft_1"]) == ["unsupported"]


def test_a_condition_of_the_target_is_asked_layer_by_layer() -> None:
    g = GraphBuilder()
    h = g.layer("adaptive_avg_pool", g.input("x", ("d0", 8, 6, 6)), output_size=(3, 3), shape=("d0", 8, 3, 3))
    g.output(g.layer("adaptive_avg_pool", h, output_size=(2, 2), shape=("d0", 8, 2, 2)))
    plan = ask(g.build())
    assert plan["adaptive_avg_pool_1"].precision is Precision.QUANTIZED
    assert kinds(plan["adaptive_avg_pool_2"]) == ["unsupported"]


def test_causes_are_listed_in_the_order_of_the_page() -> None:
    rules = {"softmax_1": skip(), "*": skip()}
    plan = ask(chain("conv", "softmax"), rules, tail=None, sensitivity={"softmax_1": 1.0}, threshold=0.1)
    causes = plan["softmax_1"].causes
    assert kinds(plan["softmax_1"]) == ["tail", "rule selected", "rule selected", "sensitivity"]
    assert [cause.selector for cause in causes if cause.kind is CauseKind.RULE] == ["*", "softmax_1"]


@pytest.mark.parametrize(
    ("measured", "is_skipped"),
    [(0.1, False), (0.100001, True), (float("inf"), True), (0.0, False)],
)
def test_sensitivity_above_the_threshold_keeps_a_layer_float(measured: float, is_skipped: bool) -> None:
    plan = ask(chain("conv", "softmax"), sensitivity={"softmax_1": measured}, threshold=0.1)
    assert kinds(plan["softmax_1"]) == ["sensitivity"] * is_skipped
    assert plan["softmax_1"].qs == measured


def test_without_a_threshold_or_automatic_skipping_sensitivity_skips_nothing() -> None:
    measured = {"softmax_1": 5.0}
    assert ask(chain("softmax"), sensitivity=measured).skipped == ()
    settings = settings_of(threshold=0.1)
    settings.global_quantization_settings.automatic_skip_quantization = False
    assert make_plan(chain("softmax"), settings, LAB, measured).skipped == ()


def test_a_move_inherits_from_a_float_producer() -> None:
    g = GraphBuilder()
    left = g.layer("softmax", g.input("x"))
    right = g.layer("sigmoid", g.input("y"))
    g.output(g.layer("sigmoid", g.layer("concat", left, right)))
    plan = ask(g.build(), {"softmax_1": skip()})
    assert inherited(plan["concat_1"].causes) == [("softmax_1",)]
    assert plan.skipped == ("softmax_1", "concat_1")


def test_a_move_inherits_through_moves_and_removed_layers() -> None:
    plan = ask(chain("softmax", "reshape", "dropout", "permute", "sigmoid"), {"softmax_1": skip()})
    assert inherited(plan["reshape_1"].causes) == [("softmax_1",)]
    assert inherited(plan["permute_1"].causes) == [("reshape_1",)]
    assert plan["sigmoid_1"].precision is Precision.QUANTIZED


def test_a_computing_layer_inherits_nothing() -> None:
    assert ask(chain("softmax", "sigmoid"), {"softmax_1": skip()}).skipped == ("softmax_1",)


def test_moves_at_the_entrance_are_float_when_all_their_consumers_are() -> None:
    g = GraphBuilder()
    h = g.layer("permute", g.layer("reshape", g.input("x")))
    g.output(g.layer("softmax", h))
    g.output(g.layer("sigmoid", h))
    graph = g.build()
    assert ask(graph, {"softmax_1": skip()}).skipped == ("softmax_1",)
    plan = ask(graph, {"softmax_1": skip(), "sigmoid_1": skip()})
    assert inherited(plan["permute_1"].causes) == [("softmax_1", "sigmoid_1")]
    assert inherited(plan["reshape_1"].causes) == [("permute_1",)]


def test_a_move_between_input_and_output_is_float() -> None:
    plan = ask(chain("reshape"))
    assert inherited(plan["reshape_1"].causes) == [("output_1",)]
    assert plan.borders == ()


def test_a_move_whose_positions_alone_are_read_by_a_float_layer_is_float() -> None:
    """top_k at the entrance, its only consumer a float embedding: nothing of it has to be quantized."""
    g = GraphBuilder()
    indices = g.layer("top_k", g.input("x"), outputs=2, dtypes=("float32", "int64")).port(1)
    g.output(g.layer("embedding", indices, weight=(10, 8)))
    plan = ask(g.build(), {"embedding_1": skip()}, target=LAB)
    assert kinds(plan["top_k_1"]) == ["inherited"]
    assert plan.borders == ()


def test_positions_and_conditions_are_no_data() -> None:
    g = GraphBuilder()
    x = g.layer("sigmoid", g.input("x"))
    condition = g.layer("gt", g.layer("softmax", g.input("y")), x)
    g.output(g.layer("softmax", g.layer("where", condition, x, x)))
    plan = ask(g.build(), {"softmax_1": skip()}, target=LAB)
    assert plan["gt_1"].precision is Precision.FLOAT
    assert plan["where_1"].precision is Precision.QUANTIZED


def test_an_integer_move_is_float_only_and_inherits_nothing() -> None:
    g = GraphBuilder()
    positions = g.layer("argmax", g.layer("linear", g.input("x"), weight=(8, 8)))
    g.output(g.layer("reshape", positions))
    plan = ask(g.build(), target=LAB)
    assert "inherited" not in kinds(plan["reshape_1"])
    assert "float_only" in kinds(plan["reshape_1"])


def test_removed_layers_name_their_host_and_have_no_cause() -> None:
    plan = ask(chain("conv", "batch_norm", "dropout", "softmax"), {"*": skip()})
    assert [(d.name, str(d.precision), d.into) for d in plan.decisions] == [
        ("conv_1", "float", None),
        ("batch_norm_1", "removed", "conv_1"),
        ("dropout_1", "removed", None),
        ("softmax_1", "float", None),
    ]
    assert plan["batch_norm_1"].causes == plan["dropout_1"].causes == ()


def test_a_cause_carries_the_place_where_the_rule_was_made() -> None:
    location = ask(chain("softmax"), {"softmax_1": skip()})["softmax_1"].causes[0].location
    assert location is not None
    assert location.file.endswith("asking.py")


def test_every_layer_has_a_decision_in_trace_order() -> None:
    graph = chain("conv", "batch_norm", "relu", "argmax")
    plan = ask(graph, {"conv_1": keep()}, tail=None)
    assert [decision.name for decision in plan.decisions] == [layer.name for layer in graph.layers]
    assert plan["conv_1"] is plan.decisions[0]


def test_settings_without_rules_for_a_graph_without_layers_give_an_empty_plan() -> None:
    plan = ask(chain())
    assert (plan.decisions, plan.skipped, plan.borders) == ((), (), ())


def test_a_rule_made_of_nothing_is_reported() -> None:
    plan = ask(chain("softmax"), {"softmax_1": LayerQuantizationSettings()})
    assert [found.code for found in plan.diagnostics] == ["rule-without-effect"]

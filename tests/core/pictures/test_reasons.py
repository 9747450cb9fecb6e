"""Why a layer is float, in the words of a box."""

from __future__ import annotations

import pytest

from clika_core.errors import Location
from clika_core.ir.graph import Graph
from clika_core.pictures.reasons import cause_text, verdict_lines
from clika_core.planning.decision import Cause, CauseKind, Decision, How, Precision
from clika_core.testing.builder import GraphBuilder

PLACE = Location("conf/settings.yaml", 14, 3)


@pytest.fixture(scope="module")
def graph() -> Graph:
    g = GraphBuilder()
    h = g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(4, 3, 1, 1))
    h = g.layer("flatten", g.layer("relu", h), shape=("d0", 256))
    g.output(g.layer("linear", h, weight=(2, 256)))
    return g.build()


@pytest.mark.parametrize(
    ("cause", "text"),
    [
        (Cause(CauseKind.FLOAT_ONLY), "no floating-point output"),
        (
            Cause(CauseKind.UNSUPPORTED, of=("ort has no quantized kernel for gelu",)),
            "ort has no quantized kernel for gelu",
        ),
        (Cause(CauseKind.UNSUPPORTED), "ort has no quantized kernel for it"),
        (Cause(CauseKind.TAIL, of=("output_1", "output_2")), "tail of output_1, output_2"),
        (Cause(CauseKind.RULE, How.SELECTED, "relu_1", PLACE), "rule relu_1 (settings.yaml:14)"),
        (
            Cause(CauseKind.RULE, How.UNTIL, "relu_1", PLACE, ("linear_1",)),
            "rule relu_1 until linear_1 (settings.yaml:14)",
        ),
        (Cause(CauseKind.RULE, How.DOWNSTREAM, "relu_1"), "rule relu_1 and all downstream"),
        (Cause(CauseKind.SENSITIVITY, of=("0.31 > 0.1",)), "too sensitive: 0.31 > 0.1"),
        (Cause(CauseKind.INHERITED, of=("relu_1",)), "follows float relu_1"),
        (Cause(CauseKind.INHERITED, of=("linear_1",)), "read only by float linear_1"),
    ],
)
def test_each_cause_has_its_words(graph: Graph, cause: Cause, text: str) -> None:
    assert cause_text(graph, "flatten_1", cause, "ort") == text


def test_every_kind_of_cause_has_words(graph: Graph) -> None:
    texts = {cause_text(graph, "flatten_1", Cause(kind), "ort") for kind in CauseKind}
    assert len(texts) == len(CauseKind)


def test_the_verdict_lists_each_cause_of_a_box_once(graph: Graph) -> None:
    tail = Cause(CauseKind.TAIL, of=("output_1",))
    head = Decision("conv_1", Precision.FLOAT, (tail,), qs=0.5)
    member = Decision(
        "relu_1", Precision.FLOAT, (tail, Cause(CauseKind.INHERITED, of=("conv_1",))), qs=0.01234
    )
    assert verdict_lines(graph, [head, member], "ort") == ["QS 0.0123", "why: tail of output_1"]


def test_unusual_bits_and_overridden_causes_are_said(graph: Graph) -> None:
    tail = Cause(CauseKind.TAIL, of=("output_1",))
    decision = Decision(
        "conv_1", Precision.QUANTIZED, overridden=(tail,), weights_num_bits=4, qs=float("inf")
    )
    assert verdict_lines(graph, [decision], "ort") == [
        "weights 4 bits, activations 8 bits",
        "QS inf",
        "overrides: tail of output_1",
    ]


def test_a_quantized_layer_without_measurement_needs_no_words(graph: Graph) -> None:
    assert verdict_lines(graph, [Decision("conv_1", Precision.QUANTIZED)], "ort") == []

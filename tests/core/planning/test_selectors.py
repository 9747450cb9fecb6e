"""Selectors: names, aliases, paths with all that is below them, globs, and readings that are forced."""

from __future__ import annotations

import pytest

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph
from clika_core.testing import GraphBuilder
from tests.core.planning.asking import ask, skip


def modules() -> Graph:
    """Unfused layers at the paths of a model; `sigmoid_3` and `sigmoid_4` are one module called twice."""
    g = GraphBuilder()
    h = g.input("x")
    for position, path in enumerate(
        ["stem", "body.0.conv", "body.1.conv", "body.1.conv", "body.10.conv", "header.conv", "body.1", "1.10"]
    ):
        h = g.layer("sigmoid", h, path=path, aliases=(f"node.{position}",))
    g.output(g.layer("softmax", h))
    return g.build()


def selected(selector: str) -> str:
    """The numbers of the layers that `selector` selects in `modules`."""
    return " ".join(name.removeprefix("sigmoid_") for name in ask(modules(), {selector: skip()}).skipped)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("sigmoid_3", "3"),
        ("name:sigmoid_3", "3"),
        ("softmax_1", "softmax_1"),
        ("node.4", "5"),
        ("name:node.4", "5"),
    ],
)
def test_names_and_aliases(selector: str, expected: str) -> None:
    assert selected(selector) == expected


@pytest.mark.parametrize("selector", ["sigmoid_1", "name:sigmoid_1", "glob:sigmoid_1", "re:sigmoid_1"])
def test_a_name_is_that_layer_s_alone_where_the_framework_counts_from_another_number(selector: str) -> None:
    g = GraphBuilder()
    h = g.layer("sigmoid", g.input("x"), aliases=("sigmoid",))
    h = g.layer("sigmoid", h, aliases=("sigmoid_1",))
    g.output(g.layer("softmax", h))
    assert ask(g.build(), {selector: skip()}).skipped == ("sigmoid_1",)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("stem", "1"),
        ("body.0", "2"),
        ("body", "2 3 4 5 7"),
        ("path:body", "2 3 4 5 7"),
        ("body.1", "3 4 7"),
        ("body.1.conv", "3 4"),
        ("body/1/conv", "3 4"),
        ("body[1].conv", "3 4"),
        ("body[1]/conv", "3 4"),
        ("body.10", "5"),
        ("header", "6"),
        ("1.10", "8"),
    ],
)
def test_a_path_means_its_layers_and_every_layer_below(selector: str, expected: str) -> None:
    assert selected(selector) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("sigmoid_*", "1 2 3 4 5 6 7 8"),
        ("sigmoid_?", "1 2 3 4 5 6 7 8"),
        ("*_2", "2"),
        ("body.*.conv", "2 3 4 5"),
        ("body.?", "2 3 4 7"),
        ("body.*", "2 3 4 5 7"),
        ("glob:body.1*", "3 4 5 7"),
        ("glob:body", "2 3 4 5 7"),
        ("*.conv", "6"),
        ("**.conv", "2 3 4 5 6"),
        ("b*", "2 3 4 5 7"),
    ],
)
def test_a_star_stays_within_a_component_and_two_cross(selector: str, expected: str) -> None:
    assert selected(selector) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [("re:sigmoid_[12]", "1 2"), ("re:sigmoid_", None), ("re:.*_2", "2"), ("op:softmax", "softmax_1")],
)
def test_regular_expressions_match_whole_names(selector: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(SettingsError):
            selected(selector)
    else:
        assert selected(selector) == expected


def test_a_regular_expression_does_not_select_a_longer_path() -> None:
    g = GraphBuilder()
    h = g.layer("sigmoid", g.input("x"), path="mlp.gate")
    g.output(g.layer("sigmoid", h, path="mlp.gate_proj"))
    assert ask(g.build(), {"re:mlp.gate": skip()}).skipped == ("sigmoid_1",)


@pytest.mark.parametrize("selector", ["head", "bod", "sigmoid", "body.conv", "body.1.con", "Sigmoid_1"])
def test_a_part_of_a_name_selects_nothing(selector: str) -> None:
    with pytest.raises(SettingsError):
        selected(selector)


def test_a_name_that_is_also_the_path_of_another_layer_is_an_error_and_can_be_forced() -> None:
    g = GraphBuilder()
    h = g.layer("sigmoid", g.layer("sigmoid", g.input("x")), path="sigmoid_1")
    g.output(g.layer("softmax", h))
    graph = g.build()
    with pytest.raises(SettingsError, match="sigmoid_1"):
        ask(graph, {"sigmoid_1": skip()})
    assert ask(graph, {"name:sigmoid_1": skip()}).skipped == ("sigmoid_1",)
    assert ask(graph, {"path:sigmoid_1": skip()}).skipped == ("sigmoid_2",)


def test_a_name_that_is_also_its_own_path_is_fine() -> None:
    g = GraphBuilder()
    g.output(g.layer("softmax", g.layer("sigmoid", g.input("x"), path="sigmoid_1")))
    assert ask(g.build(), {"sigmoid_1": skip()}).skipped == ("sigmoid_1",)

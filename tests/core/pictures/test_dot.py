"""DOT values and their text."""

from __future__ import annotations

import json
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clika_core.pictures.dot import DotEdge, DotGraph, DotNode, Markup, quote_id, quote_text, visible
from tests.core.pictures.texts import SNIPPETS, nasty_texts, read_identifier, shown


def test_a_graph_is_written_with_sorted_attributes_and_the_given_order() -> None:
    graph = DotGraph(
        (DotNode("b", {"shape": "box", "label": Markup("<B>b</B>")}), DotNode("a")),
        (DotEdge("b", "a", {"color": "red"}), DotEdge("b", "a")),
        {"rankdir": "TB"},
        {"fontname": "Helvetica"},
    )
    assert graph.render() == (
        'digraph "model" {\n'
        '  graph [rankdir="TB"];\n'
        '  node [fontname="Helvetica"];\n'
        '  "b" [label=<<B>b</B>> shape="box"];\n'
        '  "a";\n'
        '  "b" -> "a" [color="red"];\n'
        '  "b" -> "a";\n'
        "}\n"
    )


def test_two_nodes_with_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="one id"):
        DotGraph((DotNode("a"), DotNode("a")))


def test_an_edge_to_no_node_is_refused() -> None:
    with pytest.raises(ValueError, match="'a' -> 'lost'"):
        DotGraph((DotNode("a"),), (DotEdge("a", "lost"),))


@given(nasty_texts)
def test_an_identifier_reads_back_as_the_text_it_was_made_from(text: str) -> None:
    assert read_identifier(quote_id(text)) == text


@given(nasty_texts, nasty_texts)
def test_different_texts_are_different_identifiers(one: str, other: str) -> None:
    assert (quote_id(one) == quote_id(other)) == (one == other)


@given(nasty_texts)
def test_what_is_visible_prints_and_stays_visible(text: str) -> None:
    assert visible(text).isprintable()
    assert visible(visible(text)) == visible(text)


@given(nasty_texts)
def test_quoted_text_is_one_line_of_printable_characters(text: str) -> None:
    assert quote_text(text).isprintable()


@settings(max_examples=25)
@given(st.lists(nasty_texts, min_size=1, max_size=12, unique=True))
@example(["%", "%%", "a%"])
def test_graphviz_finds_exactly_the_nodes_and_edges_that_were_given(graphviz: str, names: list[str]) -> None:
    _check_reading(graphviz, names)


def test_graphviz_reads_every_known_trick_as_plain_text(graphviz: str) -> None:
    _check_reading(graphviz, list(SNIPPETS))


def _check_reading(graphviz: str, names: list[str]) -> None:
    nodes = tuple(DotNode(name, {"label": name, "tooltip": name}) for name in names)
    edges = tuple(DotEdge(names[0], name, {"label": name}) for name in names)
    text = DotGraph(nodes, edges, name=names[-1]).render()
    done = subprocess.run([graphviz, "-Tdot_json"], input=text.encode(), capture_output=True, check=True)
    read = json.loads(done.stdout)
    found = [read_identifier('"' + node["name"].replace('"', '\\"') + '"') for node in read["objects"]]
    assert sorted(found) == sorted(names)
    assert len(read["edges"]) == len(names)


def test_shown_agrees_with_visible_on_the_known_tricks() -> None:
    assert [visible(text) or "(empty)" for text in SNIPPETS] == [shown(text) for text in SNIPPETS]

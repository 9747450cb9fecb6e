"""`model.graph.json`: what is written is read back the same, and nothing else is read."""

from __future__ import annotations

import copy
import json
import os
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.errors import GraphError, Location, OutputError
from clika_core.ir import snapshot_parts, strict_json
from clika_core.ir.graph import Graph, Primitive, Weight
from clika_core.ir.snapshot import graph_from_json, graph_to_json, graph_to_text, load_graph, save_graph
from clika_core.testing import GraphBuilder
from clika_core.testing.strategies import graphs

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ATTRIBUTES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=8,
)


def full_graph() -> Graph:
    """Every field of every part is used."""
    g = GraphBuilder("résumé ☂", sizes={"d0": 3})
    x = g.input("x", ("d0", 3, 8, 8), aliases=("args.0",))
    h = g.layer(
        "conv",
        x,
        weight=(16, 3, 3, 3),
        bias=Weight("bias", (16,), "float16", "shared"),
        path="stem.conv",
        aliases=("conv2d",),
        source=Location("model.py", 12, 5),
        kernel_size=(3, 3),
        padding=((1, 1), (1, 1)),
        value=float("-inf"),
        flag=True,
        mode="zeros",
        nothing=None,
    )
    h = g.layer("batch_norm", h, weights={"weight": (16,), "running_mean": (16,)}, epsilon=1e-5)
    a, b = g.layer("split", h, outputs=2, dtypes=("float32", "int64")).ports
    g.output(g.layer("add", a, a), path="logits")
    g.output(b, name="indices")
    graph = g.build()
    body = (Primitive("mul", "mul_1"), Primitive("sigmoid", ""))
    nodes = tuple(replace(node, body=body) if node.type == "add" else node for node in graph.nodes)
    return Graph(nodes, graph.name, "torch", "2.13")


@pytest.fixture
def document() -> dict[str, Any]:
    return graph_to_json(full_graph())


def test_a_graph_is_read_back_the_same(tmp_path: Path) -> None:
    graph = full_graph()
    save_graph(graph, tmp_path / "model.graph.json")
    again = load_graph(tmp_path / "model.graph.json")
    assert again == graph
    assert again.fingerprint == graph.fingerprint
    assert (again.backend, again.framework_version) == ("torch", "2.13")


@given(graphs(max_layers=8))
def test_any_graph_is_read_back_the_same(graph: Graph) -> None:
    text = graph_to_text(graph)
    again = graph_from_json(json.loads(text))
    assert again == graph
    assert again.fingerprint == graph.fingerprint
    assert graph_to_text(again) == text


@given(st.dictionaries(st.text(min_size=1, max_size=5), ATTRIBUTES, max_size=3))
def test_any_attributes_are_read_back_the_same(attributes: dict[str, Any]) -> None:
    g = GraphBuilder()
    g.output(g.layer("relu", g.input("x"), **{f"a_{key}": value for key, value in attributes.items()}))
    try:
        text = graph_to_text(g.build())
        text.encode("utf-8")
    except UnicodeEncodeError:
        return  # a lone surrogate is no text
    again = graph_from_json(json.loads(text))
    assert repr(dict(again["relu_1"].attributes)) == repr(
        dict(sorted(g.build()["relu_1"].attributes.items()))
    )


def test_the_text_has_one_node_per_line_and_no_change_between_runs() -> None:
    graph = full_graph()
    text = graph_to_text(graph)
    assert text == graph_to_text(graph)
    lines = text.splitlines()
    assert sum(line.startswith('    {"name": ') for line in lines) == len(graph)
    assert text.endswith("}\n")


def test_removed_layers_name_their_host(document: dict[str, Any]) -> None:
    removed = {node["name"]: node["removed"] for node in document["nodes"]}
    assert removed["batch_norm_1"] == {"into": "conv_1"}
    assert removed["conv_1"] is None


def test_an_empty_graph_is_read_back() -> None:
    assert graph_from_json(json.loads(graph_to_text(Graph(())))) == Graph(())


def wrong(document: Any) -> GraphError:
    with pytest.raises(GraphError) as caught:
        graph_from_json(document, "g.json")
    return caught.value


PLACES: list[tuple[tuple[str | int, ...], Any, str]] = [
    (("nodes", 1, "outputs", 0, "dtype"), 3, "nodes[1].outputs[0].dtype"),
    (("nodes", 1, "outputs", 0, "shape", 2), -1, "nodes[1].outputs[0].shape[2]"),
    (("nodes", 1, "outputs", 0, "shape", 2), True, "nodes[1].outputs[0].shape[2]"),
    (("nodes", 1, "outputs", 0, "shape", 2), 8.0, "nodes[1].outputs[0].shape[2]"),
    (("nodes", 1, "outputs", 0, "example_shape", 0), "d0", "nodes[1].outputs[0].example_shape[0]"),
    (("nodes", 1, "inputs", 0, "port"), "0", "nodes[1].inputs[0].port"),
    (("nodes", 1, "inputs", 0, "producer"), "", "nodes[1].inputs[0].producer"),
    (("nodes", 1, "weights", 0, "shape"), None, "nodes[1].weights[0].shape"),
    (("nodes", 1, "attributes", "kernel_size", 1), {"float": 1}, "nodes[1].attributes.kernel_size[1]"),
    (("nodes", 1, "attributes", "padding", 0, 1), float("inf"), "nodes[1].attributes.padding[0][1]"),
    (("nodes", 1, "source", "line"), -4, "nodes[1].source.line"),
    (("nodes", 1, "kind"), "layers", "nodes[1].kind"),
    (("nodes", 1, "kind"), [], "nodes[1].kind"),
    (("nodes", 2, "removed", "into"), 1, "nodes[2].removed.into"),
    (("nodes", 1, "aliases", 0), None, "nodes[1].aliases[0]"),
    (("nodes", 1, "path"), 0, "nodes[1].path"),
    (("nodes", 1, "extra"), 0, "nodes[1]"),
    (("nodes", 0), [], "nodes[0]"),
    (("nodes",), {}, "nodes"),
    (("fingerprint",), "0" * 64, "fingerprint"),
    (("inputs",), ["y"], "inputs"),
    (("outputs", 0), 1, "outputs[0]"),
    (("name",), None, "name"),
    (("format",), "onnx", "format"),
    (("surprise",), 1, "its top"),
]


@pytest.mark.parametrize(("steps", "value", "path"), PLACES, ids=[f"{p}={v!r}" for _, v, p in PLACES])
def test_what_is_wrong_is_named_by_its_place(
    document: dict[str, Any], steps: tuple[Any, ...], value: Any, path: str
) -> None:
    target: Any = document
    for step in steps[:-1]:
        target = target[step]
    target[steps[-1]] = value
    error = wrong(document)
    assert error.message == f"g.json is wrong at {path}"
    assert error.found
    assert error.expected
    assert error.fix


def test_a_missing_key_and_an_unknown_one_are_both_named(document: dict[str, Any]) -> None:
    document["nodes"][1]["inptus"] = document["nodes"][1].pop("inputs")
    assert wrong(document).found == "unknown key 'inptus', no key 'inputs'"


def test_the_order_of_keys_does_not_matter(document: dict[str, Any]) -> None:
    turned = dict(reversed(document.items()))
    turned["nodes"] = [dict(reversed(node.items())) for node in document["nodes"]]
    assert graph_from_json(turned) == full_graph()


@pytest.mark.parametrize("version", [2, 0, "1", 1.0, True, None])
def test_another_version_is_refused_with_advice(document: dict[str, Any], version: Any) -> None:
    document["version"] = version
    error = wrong(document)
    assert "version" in error.message
    assert error.expected == "1"
    assert "version of clika-core" in (error.fix or "")


@pytest.mark.parametrize("document", [None, 1, "x", [], {}, {"format": 1}, {"format": "clika-graph"}])
def test_what_is_no_snapshot_is_refused(document: Any) -> None:
    wrong(document)


def test_attributes_may_be_nested_only_so_deep(document: dict[str, Any]) -> None:
    deep: Any = 1
    for _ in range(40):
        deep = [deep]
    document["nodes"][1]["attributes"]["deep"] = deep
    assert "lists inside each other" in (wrong(document).expected or "")


def test_too_many_nodes_are_refused(document: dict[str, Any]) -> None:
    nodes = [None] * (snapshot_parts.MAX_NODES + 1)
    assert wrong({**document, "nodes": nodes}).found == f"{snapshot_parts.MAX_NODES + 1} items"


def read(tmp_path: Path, content: bytes) -> str:
    (tmp_path / "g.json").write_bytes(content)
    with pytest.raises(GraphError) as caught:
        load_graph(tmp_path / "g.json")
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"),
        (b'{"a": [{"b": 1, "b": 1}]}', "the key 'b' stands twice"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": 1,}', "this is no JSON"),
        (b"", "this is no JSON"),
        (b"\xff\xfe", "no UTF-8 text"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b"[" + b"9" * 5000 + b"]", "no valid document"),
        (b'{"format": "\\ud800"}', "no Unicode"),
    ],
    ids=[
        "twice",
        "twice inside",
        "nan",
        "inf",
        "comma",
        "empty",
        "bytes",
        "deep",
        "deeper",
        "long",
        "surrogate",
    ],
)
def test_a_file_that_is_no_strict_json_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    assert message in read(tmp_path, content)


def test_a_syntax_error_has_its_line_and_column(tmp_path: Path) -> None:
    assert read(tmp_path, b'{"a": 1,\n  "b" 2}').startswith(f"{tmp_path / 'g.json'}:2: ")


def test_a_file_that_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict_json, "MAX_BYTES", 2**20)
    assert "at most 1 MiB" in read(tmp_path, b" " * (2**20 + 1))


def test_a_missing_file_and_a_folder_are_one_clear_error(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(GraphError, match="cannot read"):
            load_graph(path)
    with pytest.raises(GraphError, match="fix: check the path"):
        load_graph(tmp_path / "missing.json")


def test_writing_replaces_the_old_file_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "model.graph.json"
    target.write_text("old")
    save_graph(full_graph(), target)
    assert [path.name for path in tmp_path.iterdir()] == ["model.graph.json"]
    assert load_graph(target) == full_graph()
    full_graph().save(target)
    assert load_graph(target) == full_graph()


def test_a_failed_write_leaves_the_old_file_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "model.graph.json"
    target.write_text("old")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OutputError, match="No space left on device"):
        save_graph(full_graph(), target)
    assert [path.name for path in tmp_path.iterdir()] == ["model.graph.json"]
    assert target.read_text() == "old"


def test_a_folder_that_does_not_exist_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write the graph"):
        save_graph(full_graph(), tmp_path / "missing" / "g.json")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every value inside `value`."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    return [path, *(place for key, item in items for place in places(item, (*path, key)))]


DOCUMENT = graph_to_json(full_graph())
PLACES_OF_DOCUMENT = [place for place in places(DOCUMENT) if place]


@settings(max_examples=400)
@given(st.lists(st.tuples(st.sampled_from(PLACES_OF_DOCUMENT), JSON, st.booleans()), min_size=1, max_size=2))
def test_a_document_changed_anywhere_is_refused_or_read_but_never_crashes(changes: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    for place, value, is_removed in changes:
        _change(document, place, value, is_removed)
    with suppress(GraphError):
        graph = graph_from_json(document)
        assert graph_from_json(json.loads(graph_to_text(graph))) == graph


def _change(document: Any, place: tuple[Any, ...], value: Any, is_removed: bool) -> None:
    for step in place[:-1]:
        try:
            document = document[step]
        except (KeyError, IndexError, TypeError):
            return  # an earlier change took it away
    is_list, position = isinstance(document, list), place[-1]
    if not isinstance(document, dict | list) or is_list != isinstance(position, int):
        return
    if is_list and position >= len(document):
        return
    if is_removed and (isinstance(document, list) or place[-1] in document):
        del document[place[-1]]
    else:
        document[place[-1]] = value


@given(st.binary(max_size=40), st.integers(0), st.integers(0, 40))
def test_a_file_changed_anywhere_is_refused_or_read_but_never_crashes(
    tmp_path_factory: pytest.TempPathFactory, inserted: bytes, at: int, removed: int
) -> None:
    content = graph_to_text(full_graph()).encode()
    at %= len(content)
    path = tmp_path_factory.mktemp("changed") / "g.json"
    path.write_bytes(content[:at] + inserted + content[at + removed :])
    with suppress(GraphError):
        load_graph(path)


def test_a_change_that_matters_changes_the_fingerprint() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["nodes"][1]["attributes"]["kernel_size"] = [5, 5]
    assert wrong(document).message == "g.json is wrong at fingerprint"


def test_what_planning_does_not_depend_on_leaves_the_fingerprint() -> None:
    document = copy.deepcopy(DOCUMENT)
    document["nodes"][1]["path"] = "elsewhere"
    document["nodes"][1]["source"]["line"] = 99
    document["framework_version"] = "3.0"
    document["name"] = "other"
    assert graph_from_json(document).fingerprint == full_graph().fingerprint

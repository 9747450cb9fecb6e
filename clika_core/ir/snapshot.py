"""`model.graph.json`: the traced graph as a file, read where no framework is installed.

One node per line, so that two snapshots can be compared with any text tool. Reading is strict: every key and
type is checked, and the fingerprint must be that of the nodes.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from clika_core.errors import GraphError, Location, OutputError
from clika_core.ir import readers
from clika_core.ir.fingerprint import attribute_to_json
from clika_core.ir.graph import Graph, InputPort, Node, NodeKind, Primitive, Value, Weight
from clika_core.ir.removals import removals
from clika_core.ir.strict_json import read_json_file

FORMAT = "clika-graph"
VERSION = 1
MAX_NODES = 2_000_000
_FIX = "write the file again with `clika trace`; it is not meant to be edited"


def save_graph(graph: Graph, path: str | Path) -> None:
    """Write the snapshot beside `path` and rename it: a reader sees the old file or the new one, whole.

    Raises OutputError where the file cannot be written.
    """
    target = Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
                stream.write(graph_to_text(graph))
            Path(name).chmod(0o644)
            Path(name).replace(target)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(
            f"cannot write the graph to {path}",
            found=error.strerror or str(error),
            fix="name a file in a folder that exists and can be written",
        ) from error


def load_graph(path: str | Path) -> Graph:
    """The graph in a file. Raises GraphError naming the place in the document that is wrong."""
    return graph_from_json(read_json_file(path, fix=_FIX), str(path))


def graph_to_text(graph: Graph) -> str:
    """The snapshot's text: the same for equal graphs, one node per line, a newline at the end."""
    document = graph_to_json(graph)
    nodes = document.pop("nodes")
    head = [f"  {_compact(key)}: {_compact(value)}" for key, value in document.items()]
    lines = ",\n".join(f"    {_compact(node)}" for node in nodes)
    body = f'  "nodes": [\n{lines}\n  ]' if nodes else '  "nodes": []'
    return "{\n" + ",\n".join([*head, body]) + "\n}\n"


def graph_to_json(graph: Graph) -> dict[str, Any]:
    """The snapshot as JSON values."""
    removed = removals(graph)
    return {
        "format": FORMAT,
        "version": VERSION,
        "name": graph.name,
        "backend": graph.backend,
        "framework_version": graph.framework_version,
        "fingerprint": graph.fingerprint,
        "inputs": [node.name for node in graph.inputs],
        "outputs": [node.name for node in graph.outputs],
        "nodes": [_node_to_json(node, removed) for node in graph.nodes],
    }


def graph_from_json(document: Any, name: str = "the graph") -> Graph:
    """The graph that `document` describes; messages call it `name`. Raises GraphError, and nothing else."""
    _check_version(document, name)
    try:
        found = readers.fields(document, _DOCUMENT)
    except readers.Mismatch as problem:
        raise _error(name, problem.path, problem.found, problem.expected) from problem
    graph = Graph(tuple(found["nodes"]), found["name"], found["backend"], found["framework_version"])
    actual = {
        "inputs": [node.name for node in graph.inputs],
        "outputs": [node.name for node in graph.outputs],
        "fingerprint": graph.fingerprint,
    }
    for key, value in actual.items():
        if found[key] != value:
            raise _error(name, key, readers.shown(found[key]), f"that of the nodes: {value}")
    return graph


def _node_to_json(node: Node, removed: Mapping[str, str | None]) -> dict[str, Any]:
    return {
        "name": node.name,
        "type": node.type,
        "kind": str(node.kind),
        "aliases": list(node.aliases),
        "path": node.path,
        "source": node.source.to_json() if node.source else None,
        "inputs": [{"producer": p.producer, "port": p.port, "role": p.role} for p in node.inputs],
        "outputs": [
            {"dtype": v.dtype, "shape": list(v.shape), "example_shape": list(v.example_shape)}
            for v in node.outputs
        ],
        "attributes": {key: attribute_to_json(node.attributes[key]) for key in sorted(node.attributes)},
        "weights": [
            {"role": w.role, "shape": list(w.shape), "dtype": w.dtype, "identity": w.identity}
            for w in node.weights
        ],
        "body": [{"type": p.type, "framework_name": p.framework_name} for p in node.body],
        "removed": {"into": removed[node.name]} if node.name in removed else None,
    }


def _check_version(document: Any, name: str) -> None:
    """Say first, and plainly, that a document is something else or newer than this program."""
    if type(document) is not dict or document.get("format") != FORMAT:
        found = readers.shown(document.get("format") if type(document) is dict else document)
        raise _error(name, "format", found, f"{FORMAT!r}: this is no graph snapshot")
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise GraphError(
            f"{name} has a version that cannot be read here",
            found=readers.shown(version),
            expected=str(VERSION),
            fix="use the version of clika-core that wrote it, or trace the model again",
        )


def _error(name: str, path: str, found: str, expected: str) -> GraphError:
    return GraphError(f"{name} is wrong at {path or 'its top'}", found=found, expected=expected, fix=_FIX)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _port(value: Any) -> InputPort:
    return InputPort(**readers.fields(value, _PORT))


def _value(value: Any) -> Value:
    return Value(**readers.fields(value, _VALUE))


def _weight(value: Any) -> Weight:
    return Weight(**readers.fields(value, _WEIGHT))


def _primitive(value: Any) -> Primitive:
    return Primitive(**readers.fields(value, _PRIMITIVE))


def _location(value: Any) -> Location:
    return Location(**readers.fields(value, _LOCATION))


def _removed(value: Any) -> None:
    """Checked and forgotten: it follows from the nodes."""
    readers.fields(value, {"into": readers.optional(readers.word)})


def _node(value: Any) -> Node:
    found = readers.fields(value, _NODE)
    del found["removed"]
    return Node(**found)


def _tuple_of(read: readers.Reader) -> readers.Reader:
    read_list = readers.list_of(read)
    return lambda value: tuple(read_list(value))


def _attributes(value: Any) -> Mapping[str, Any]:
    return MappingProxyType(readers.mapping_of(readers.attribute)(value))


_sizes = _tuple_of(readers.count)
_PORT = {"producer": readers.word, "port": readers.count, "role": readers.word}
_VALUE = {"dtype": readers.word, "shape": readers.shape, "example_shape": _sizes}
_WEIGHT = {"role": readers.word, "shape": _sizes, "dtype": readers.word, "identity": readers.text}
_PRIMITIVE = {"type": readers.word, "framework_name": readers.text}
_LOCATION = {"file": readers.text, "line": readers.count, "column": readers.count}
_kind = readers.one_of(*map(str, NodeKind))
_NODE = {
    "name": readers.word,
    "type": readers.word,
    "kind": lambda value: NodeKind(_kind(value)),
    "aliases": _tuple_of(readers.word),
    "path": readers.optional(readers.word),
    "source": readers.optional(_location),
    "inputs": _tuple_of(_port),
    "outputs": _tuple_of(_value),
    "attributes": _attributes,
    "weights": _tuple_of(_weight),
    "body": _tuple_of(_primitive),
    "removed": readers.optional(_removed),
}
_names = readers.list_of(readers.word)
_DOCUMENT = {
    "format": partial(readers.word),
    "version": readers.count,
    "name": readers.text,
    "backend": readers.text,
    "framework_version": readers.text,
    "fingerprint": readers.word,
    "inputs": _names,
    "outputs": _names,
    "nodes": readers.list_of(_node, at_most=MAX_NODES),
}

"""`model.graph.json`: the traced graph as a file, read where no framework is installed.

One node per line, so that two snapshots can be compared with any text tool. Reading is strict: every key and
type is checked, and the fingerprint must be that of the nodes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clika_core.errors import GraphError, OutputError
from clika_core.ir.collection import paused_collection
from clika_core.ir.fingerprint import attribute_to_json
from clika_core.ir.graph import Graph, Node
from clika_core.ir.quick_reading import read_quickly
from clika_core.ir.readers import Mismatch, shown
from clika_core.ir.removals import removals
from clika_core.ir.snapshot_parts import Document, read_document
from clika_core.ir.strict_json import parse_json, read_text_file

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "clika-graph"
VERSION = 1
_FIX = "write the file again with `clika trace`; it is not meant to be edited"


def save_graph(graph: Graph, path: str | Path) -> None:
    """Write the snapshot beside `path` and rename it: a reader sees the old file or the new one, whole.

    Raises OutputError where the file cannot be written.
    """
    from pathlib import Path

    from clika_core.files import write_whole

    try:
        write_whole(Path(path), graph_to_text(graph), mode=0o644)
    except OSError as error:
        raise OutputError(
            f"cannot write the graph to {path}",
            found=error.strerror or str(error),
            fix="name a file in a folder that exists and can be written",
        ) from error


def load_graph(path: str | Path) -> Graph:
    """The graph in a file. Raises GraphError naming the place in the document that is wrong."""
    with paused_collection():
        text = read_text_file(path, fix=_FIX)
        found = read_quickly(text)
        if found is not None and (found.format, found.version) == (FORMAT, VERSION):
            return _graph_of(found, str(path))
        return graph_from_json(parse_json(text, str(path), fix=_FIX), str(path))


def graph_to_text(graph: Graph) -> str:
    """The snapshot's text: the same for equal graphs, one node per line, a newline at the end."""
    with paused_collection():
        return _text(graph_to_json(graph))


def _text(document: dict[str, Any]) -> str:
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
        found: Document = read_document(document)
    except Mismatch as problem:
        raise _error(name, problem.path, problem.found, problem.expected) from problem
    return _graph_of(found, name)


def _graph_of(found: Document, name: str) -> Graph:
    """The graph of a file's parts; everything else the file says must follow from the nodes."""
    graph = Graph(found.nodes, found.name, found.backend, found.framework_version)
    derived = {
        "inputs": (found.inputs, tuple(node.name for node in graph.inputs)),
        "outputs": (found.outputs, tuple(node.name for node in graph.outputs)),
        "fingerprint": (found.fingerprint, graph.fingerprint),
    }
    for key, (written, actual) in derived.items():
        if written != actual:
            raise _error(name, key, str(written), f"that of the nodes: {actual}")
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
        found = shown(document.get("format") if type(document) is dict else document)
        raise _error(name, "format", found, f"{FORMAT!r}: this is no graph snapshot")
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise GraphError(
            f"{name} has a version that cannot be read here",
            found=shown(version),
            expected=str(VERSION),
            fix="use the version of clika-core that wrote it, or trace the model again",
        )


def _error(name: str, path: str, found: str, expected: str) -> GraphError:
    return GraphError(f"{name} is wrong at {path or 'its top'}", found=found, expected=expected, fix=_FIX)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)

"""Reads the two sides of `clika diff`: settings files, reports, graphs. Files are data and may be hostile."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Any

from clika_core.errors import SettingsError
from clika_core.ir.graph import Graph
from clika_core.ir.snapshot import load_graph
from clika_core.planning.decision import Cause, CauseKind, How
from clika_core.planning.diff import Layer, Side, side_of_plan
from clika_core.planning.plan import Plan
from clika_core.planning.report_file import read_number, read_report
from clika_core.planning.sentences import reason
from clika_core.settings.load import load_settings
from clika_core.settings.model import Settings

_GRAPH_COMMENT = re.compile(r"#[ \t]*clika:[^\r\n]*\bgraph=(?P<path>[^\s]+)")
_FIRST_BYTES = 4096
_FORMAT = re.compile(rb'\s*\{\s*"format"\s*:\s*"(clika-[a-z]+)"')

MakePlan = Callable[[Graph, Settings], Plan]


class Kind(StrEnum):
    """What a file is."""

    SETTINGS = "settings"
    REPORT = "report"
    GRAPH = "graph"


def kind_of(path: Path) -> Kind:
    """What a file is, by its first bytes."""
    try:
        with path.open("rb") as file:
            found = _FORMAT.match(file.read(_FIRST_BYTES))
    except OSError as problem:
        raise SettingsError(f"{path} cannot be read", found=problem.strerror or str(problem)) from None
    kinds = {b"clika-report": Kind.REPORT, b"clika-graph": Kind.GRAPH}
    return kinds.get(found.group(1), Kind.SETTINGS) if found else Kind.SETTINGS


def read_sides(
    before: Path, after: Path, graph: Path | None, settings: Path | None, make: MakePlan
) -> tuple[Side, Side]:
    """The two sides. Raises SettingsError where they are of two kinds, or where settings have no graph."""
    kinds = kind_of(before), kind_of(after)
    if kinds[0] is not kinds[1]:
        raise SettingsError(
            f"{before} and {after} cannot be compared",
            found=f"a {kinds[0]} file and a {kinds[1]} file",
            expected="two files of one kind: settings, reports or graphs",
        )
    if kinds[0] is Kind.REPORT:
        return _side_of_report(before), _side_of_report(after)
    if kinds[0] is Kind.GRAPH:
        chosen = Settings() if settings is None else load_settings(settings)
        return (
            side_of_plan(str(before), make(load_graph(before), chosen)),
            side_of_plan(str(after), make(load_graph(after), chosen)),
        )
    loaded = load_graph(graph or _graph_named_in(before, after))
    return (
        side_of_plan(str(before), make(loaded, load_settings(before))),
        side_of_plan(str(after), make(loaded, load_settings(after))),
    )


def _graph_named_in(*settings: Path) -> Path:
    """The graph that a comment in the first lines of one of the files names, from the file's folder."""
    for path in settings:
        with path.open("r", encoding="utf-8", errors="replace") as file:
            found = _GRAPH_COMMENT.search(file.read(_FIRST_BYTES))
        if found:
            return path.parent / found["path"]
    raise SettingsError(
        "settings are compared on a graph, and none is named",
        expected="--graph model.graph.json, or a comment in one of the files",
        fix="# clika: graph=model.graph.json",
    )


def _side_of_report(path: Path) -> Side:
    report = read_report(path)
    layers = report.get("layers")
    found = (
        [_layer(entry, path) for entry in layers if isinstance(entry, dict)]
        if isinstance(layers, list)
        else []
    )
    return Side(str(path), str(report.get("target")), {layer.name: layer for layer in found})


def _layer(entry: dict[str, Any], path: Path) -> Layer:
    precision = str(entry.get("precision"))
    bits = (_count(entry, "weights_num_bits"), _count(entry, "activations_num_bits"))
    causes = entry.get("causes")
    return Layer(
        str(entry.get("name")),
        str(entry.get("type")),
        precision,
        bits if precision == "quantized" else None,
        tuple(_reason(cause) for cause in causes if isinstance(cause, dict))
        if isinstance(causes, list)
        else (),
        read_number(entry.get("qs"), path),
        _count(entry, "multiply_accumulates"),
        _count(entry, "weight_bytes"),
    )


def _reason(cause: dict[str, Any]) -> str:
    of, selector = cause.get("of"), cause.get("selector")
    try:
        kind, how = CauseKind(cause["kind"]), How(cause["how"]) if cause.get("how") else None
        names = tuple(str(name) for name in of) if isinstance(of, list) else ()
        return reason(Cause(kind, how, None if selector is None else str(selector), None, names))
    except (KeyError, ValueError, TypeError):
        return f"of {cause.get('kind')!r}"


def _count(entry: dict[str, Any], key: str) -> int:
    value = entry.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0

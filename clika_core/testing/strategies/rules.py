"""Random rules of every kind, valid for a given graph.

Valid by construction: a layer is drawn first, then a selector that matches it, then targets that it reaches.
Two rules may still contradict each other, which is an error where they meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, TypeAlias

from hypothesis import strategies as st

from clika_core.ir.graph import Graph, Node
from clika_core.settings.model import LayerQuantizationSettings

Rules: TypeAlias = tuple[tuple[str, LayerQuantizationSettings], ...]

NOWHERE = ("no_such_layer_7", "name:absent_1", "path:nowhere.at_all", "nowhere_*", "glob:nowhere.**.x")


def selectors(node: Node, *, names_only: bool = False) -> st.SearchStrategy[str]:
    """Texts that select at least `node`: its name, an alias, its path, a prefix of it, a glob."""
    names = [node.name, f"name:{node.name}"]
    if names_only:
        return st.sampled_from(names)
    aliases = [alias for alias in node.aliases if alias != node.path]
    return st.sampled_from([*names, *aliases, *_name_globs(node.name), *_path_selectors(node.path)])


def rule_sets(graph: Graph, *, max_rules: int = 4, names_only: bool = False) -> st.SearchStrategy[Rules]:
    """At most `max_rules` rules for `graph`, each with a selector of its own."""
    if not graph.layers:
        return st.just(())
    rule = _rules(graph, names_only, _PRESENT if names_only else _EXTENTS)
    return st.lists(rule, max_size=max_rules).map(lambda rules: tuple(dict(rules).items()))


def names_only(graph: Graph, *, max_rules: int = 4) -> st.SearchStrategy[Rules]:
    """Rules whose selectors and targets are exact names."""
    return rule_sets(graph, max_rules=max_rules, names_only=True)


def skipping_rules(graph: Graph) -> st.SearchStrategy[Rules]:
    """One rule that skips layers and says nothing of bits; `graph` must have a layer."""
    return _rules(graph, False, (_Extent.HERE, _Extent.UNTIL, _Extent.DOWNSTREAM), _BITS[:1]).map(
        lambda rule: (rule,)
    )


class _Extent(StrEnum):
    """What a rule that is drawn says beside bits."""

    HERE = "here"
    UNTIL = "until"
    DOWNSTREAM = "downstream"
    KEEP = "keep"
    NOTHING = "nothing"
    PARTLY_ABSENT = "partly absent"
    ABSENT = "absent"


_EXTENTS = (*_Extent, _Extent.HERE, _Extent.UNTIL, _Extent.UNTIL, _Extent.DOWNSTREAM, _Extent.KEEP)
_PRESENT = tuple(_Extent)[:5]
_BITS = ((None, None), (None, None), (None, None), (8, None), (4, None), (None, 4), (4, 8))


@st.composite
def _rules(
    draw: st.DrawFn,
    graph: Graph,
    names_only: bool,
    extents: Sequence[_Extent],
    bits: Sequence[tuple[int | None, int | None]] = _BITS,
) -> tuple[str, LayerQuantizationSettings]:
    """One rule that is valid for `graph`."""
    node = draw(st.sampled_from(graph.layers))
    selector = draw(selectors(node, names_only=names_only))
    weights, activations = draw(st.sampled_from(bits))
    extent = draw(st.sampled_from(extents))
    keywords: dict[str, Any] = {"weights_num_bits": weights, "activations_num_bits": activations}
    if extent not in (_Extent.NOTHING, _Extent.KEEP):
        keywords["skip_quantization"] = True
    if extent is _Extent.KEEP:
        keywords["skip_quantization"] = False
    if extent is _Extent.DOWNSTREAM:
        keywords["skip_quantization_downstream"] = True
    if extent is _Extent.ABSENT:
        selector = draw(st.sampled_from(NOWHERE))
    if extent in (_Extent.UNTIL, _Extent.PARTLY_ABSENT):
        ends = draw(st.lists(st.sampled_from(descendants(graph, node)), min_size=1, max_size=3))
        until = {draw(selectors(end, names_only=names_only)) for end in ends}
        keywords["skip_quantization_until"] = sorted(until)
    if extent is _Extent.PARTLY_ABSENT:
        absent = draw(st.sampled_from(NOWHERE))
        reached = keywords["skip_quantization_until"] if draw(st.booleans()) else []
        keywords["skip_quantization_until"] = [absent, *reached]
    if extent in (_Extent.ABSENT, _Extent.PARTLY_ABSENT):
        keywords["on_unmatched"] = draw(st.sampled_from(["ignore", "warn"]))
    return selector, LayerQuantizationSettings(**keywords)


def descendants(graph: Graph, node: Node) -> Sequence[Node]:
    """`node` and the layers that can be reached from it, in trace order."""
    reached = {node.name}
    for candidate in graph.layers:
        if any(port.producer in reached for port in candidate.inputs):
            reached.add(candidate.name)
    return [candidate for candidate in graph.layers if candidate.name in reached]


def _name_globs(name: str) -> list[str]:
    stem, _, number = name.rpartition("_")
    return [f"{stem}_*", f"glob:*{name[2:]}", f"{stem[:-1]}?_{number}", "glob:*"]


def _path_selectors(path: str | None) -> list[str]:
    """The path and its prefixes, spelt in several ways, and globs over them."""
    if path is None:
        return []
    parts = path.split(".")
    prefixes = [".".join(parts[:length]) for length in range(1, len(parts) + 1)]
    found = [*prefixes, *(f"path:{prefix}" for prefix in prefixes)]
    for position, part in enumerate(parts):
        found.append(".".join([*parts[:position], "*", *parts[position + 1 :]]))
        found.append(".".join([*parts[:position], "?" + part[1:], *parts[position + 1 :]]))
    if len(parts) > 1:
        found += [
            path.replace(".", "/"),
            f"{parts[0]}.**.{parts[-1]}",
            f"glob:{parts[0]}.*",
            f"**.{parts[-1]}",
        ]
        found.append("".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts).lstrip("."))
    return found

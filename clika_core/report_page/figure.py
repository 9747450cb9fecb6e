"""The picture inside the page: the SVG that graphviz wrote, and which of its boxes shows which layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from clika_core.pictures.dot import DotGraph

if TYPE_CHECKING:
    from clika_core.planning.plan import Plan


@dataclass(frozen=True, slots=True)
class Figure:
    """An SVG document without its XML declaration; `boxes` maps layers, inputs and outputs to element ids.

    Without a picture `svg` is None and `note` says why.
    """

    svg: str | None = None
    boxes: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    note: str | None = None


def figure(svg: str | None, picture: DotGraph, plan: Plan | None, note: str | None = None) -> Figure:
    """The figure of `svg`, which graphviz made of `picture`."""
    if svg is None:
        return Figure(note=note or "no picture was drawn")
    return Figure(svg[max(svg.find("<svg"), 0) :], _boxes(picture, plan))


def _boxes(picture: DotGraph, plan: Plan | None) -> dict[str, str]:
    """Graphviz numbers boxes as the DOT text lists them: `node1`, `node2`. A removed layer shows in its host's."""
    ids = {node.id: f"node{position}" for position, node in enumerate(picture.nodes, start=1)}
    if plan is None:
        return ids
    heads = {name: group.head for group in plan.groups.values() for name in group.members}
    hosts = {name: host for name, host in plan.removed.items() if host}
    shown = {name: heads.get(host, host) for name, host in {**heads, **hosts}.items()}
    return {**ids, **{name: ids[box] for name, box in shown.items() if box in ids}}

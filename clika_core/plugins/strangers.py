"""A stranger's target, so wrapped that a condition of it which fails is named, and none can change the graph."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from clika_core.errors import PluginError
from clika_core.frozen import replace
from clika_core.ir.graph import Graph, Node
from clika_core.plugins.guard import told
from clika_core.plugins.manager import DISABLE
from clika_core.targets.target import Condition, Target

_SHIELDS: Final[list[tuple[Graph, Graph]]] = []  # at most one: a plan asks about one graph, layer by layer


def shielded_target(target: Target, plugin: str, origin: str) -> Target:
    """The target with every condition wrapped; `origin` names the distribution."""
    kernels = {
        type_name: replace(kernel, condition=_shielded(kernel.condition, target.name, plugin, origin))
        if kernel.condition
        else kernel
        for type_name, kernel in target.kernels.items()
    }
    return replace(target, kernels=kernels)


def _shielded(condition: Condition, target: str, plugin: str, origin: str) -> Condition:
    def asked(graph: Graph, node: Node) -> str | None:
        """Ask the stranger about a copy. Raises PluginError for what it raises, and for an answer that is none."""
        shield = _shield(graph)
        try:
            reason = condition(shield, shield[node.name])
        except Exception as error:
            raise _failure(f"fails on layer {node.name!r}: {told(error)}") from error
        if reason is not None and not isinstance(reason, str):
            raise _failure(
                f"answers {type(reason).__name__} for layer {node.name!r}; expected None or a reason"
            )
        return reason

    def _failure(problem: str) -> PluginError:
        return PluginError(
            f"target {target!r} of plugin {plugin!r} ({origin}) {problem}",
            fix=f"use another target, or set {DISABLE}={plugin}",
        )

    return asked


def _shield(graph: Graph) -> Graph:
    """A copy whose nodes are nobody else's and whose attributes are read-only."""
    if not _SHIELDS or _SHIELDS[0][0] is not graph:
        nodes = (replace(node, attributes=MappingProxyType(dict(node.attributes))) for node in graph.nodes)
        _SHIELDS[:] = [(graph, replace(graph, nodes=tuple(nodes)))]
    return _SHIELDS[0][1]

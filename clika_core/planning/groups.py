"""Groups: a head and the layers the target fuses behind it, each the only reader of the one before."""

from __future__ import annotations

from collections.abc import Collection

from clika_core.ir.graph import Node, NodeKind
from clika_core.planning.decision import Group
from clika_core.planning.wiring import Wiring
from clika_core.targets.target import Target


def form_groups(wiring: Wiring, target: Target, floats: Collection[str]) -> dict[str, Group]:
    """Every layer that stays, in exactly one group, by the group's head and in trace order.

    `floats` are layers that are float for a reason of their own: such a member ends the group before it, unless
    the head is float too. A float head makes its whole chain float, so that skipping one layer more, in the
    middle of it, never quantizes what follows.
    """
    taken: set[str] = set()
    groups: dict[str, Group] = {}
    for node in wiring.graph.layers:
        if node.name in taken or node.name in wiring.removed:
            continue
        members = _chain(wiring, target, node, floats)
        taken.update(members)
        groups[node.name] = Group(node.name, tuple(members))
    return groups


def _chain(wiring: Wiring, target: Target, head: Node, floats: Collection[str]) -> list[str]:
    members = [head.name]
    allowed = target.fusions.get(head.type, ())
    while allowed:
        readers = wiring.readers.get((members[-1], 0), ())
        if len(readers) != 1 or len(wiring.graph[members[-1]].outputs) != 1:
            break
        follower = wiring.graph.nodes[readers[0]]
        if follower.kind is not NodeKind.LAYER or follower.type not in allowed:
            break
        if follower.name in floats and head.name not in floats:
            break
        if len(follower.inputs) != 1 or follower.weights:
            break
        members.append(follower.name)
    return members

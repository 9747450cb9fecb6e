"""Groups: a head and the layers the target fuses behind it, each the only reader of the one before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clika_core.planning.wiring import Wiring
from clika_core.targets.target import Target


class Groups:
    """The head of every layer's group, by position, kept up to date as layers become float or quantized.

    `followers` has, for each layer that another may follow in one group, that other.

    A layer that is float for a reason of its own ends the group before it, unless the head is float too. A float
    head makes its whole chain float, so that skipping one layer more, in the middle of it, never quantizes what
    follows. Layers that could follow each other in one group form rows, and no layer is in two rows: what changes
    in one row matters to no other.
    """

    def __init__(self, wiring: Wiring, target: Target) -> None:
        """Nothing is float yet."""
        self._types = [node.type for node in wiring.graph.nodes]
        self._fusions = target.fusions
        self.followers = _followers(wiring, target)
        self._before = {after: before for before, after in self.followers.items()}
        self.heads = list(range(len(self._types)))
        self.regroup(self.followers.keys() - self._before.keys(), bytes(len(self._types)))

    def regroup(self, positions: Iterable[int], is_float: Sequence[int]) -> list[int]:
        """Form the groups around `positions` anew; the layers whose head changed."""
        changed: list[int] = []
        done: set[int] = set()
        followers, before = self.followers, self._before
        for position in positions:
            if position in followers or position in before:
                first = self._first(position)
                if first not in done:
                    done.add(first)
                    changed += self._regroup_row(first, is_float)
        return changed

    def members(self, head: int) -> Iterable[int]:
        """The layers behind `head` in its group, in order."""
        found: list[int] = []
        member = self.followers.get(head, -1)
        while member >= 0 and self.heads[member] == head:
            found.append(member)
            member = self.followers.get(member, -1)
        return found

    def _first(self, position: int) -> int:
        while position in self._before:
            position = self._before[position]
        return position

    def _regroup_row(self, first: int, is_float: Sequence[int]) -> list[int]:
        changed: list[int] = []
        head, allowed = first, self._fusions.get(self._types[first], ())
        position = first
        while position >= 0:
            if position != head and (
                self._types[position] not in allowed or (is_float[position] and not is_float[head])
            ):
                head, allowed = position, self._fusions.get(self._types[position], ())
            if self.heads[position] != head:
                self.heads[position] = head
                changed.append(position)
            position = self.followers.get(position, -1)
        return changed


def _followers(wiring: Wiring, target: Target) -> dict[int, int]:
    """Each layer that another may follow in one group, with that other."""
    nodes, readers = wiring.graph.nodes, wiring.value_readers
    following = {name for followers in target.fusions.values() for name in followers}
    leading = following | set(target.fusions)
    found: dict[int, int] = {}
    for position, node in enumerate(nodes):
        if node.type not in leading or not wiring.stays[position] or len(node.outputs) != 1:
            continue
        reading = readers[position]
        if len(reading) != 1:
            continue
        follower = nodes[reading[0]]
        if follower.type in following and len(follower.inputs) == 1 and not follower.weights:
            found[position] = reading[0]
    return found

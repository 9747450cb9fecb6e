"""The cause `inherited`: layers that are float because of the layers around them.

A transparent layer with a float producer; a transparent layer fed only by graph inputs, constants, or other such
layers, when all its readers are float; a member of a group whose head is float. One pass down, one pass up, each
over no more layers than something changed for.
"""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.ir.graph import NodeKind
from clika_core.ir.operators import Trait
from clika_core.planning.groups import Groups
from clika_core.planning.wiring import Wiring


class Inheritance:
    """Which layers inherit float from which, by position, kept up to date.

    `is_own` holds the layers that are float for a reason of their own; `is_float` all that are float, graph
    outputs among them.
    """

    def __init__(self, wiring: Wiring, groups: Groups, is_own: bytearray) -> None:
        """Nothing is float yet but what leaves the graph, and no layer has been looked at."""
        self._wiring, self._groups, self._is_own = wiring, groups, is_own
        nodes = wiring.graph.nodes
        self._is_given = bytearray(len(nodes))  # float by itself or from above
        self.is_float = bytearray(node.kind is NodeKind.OUTPUT for node in nodes)
        self._givers: dict[int, tuple[int, ...]] = {}
        self._takers: dict[int, tuple[int, ...]] = {}
        self._is_fed = self._fed_by_inputs()
        self._waiting_down, self._waiting_up = bytearray(len(nodes)), bytearray(self._is_fed)

    def giving(self, position: int) -> tuple[int, ...]:
        """The layers that a layer inherits from; empty where it does not."""
        return self._givers.get(position) or self._takers.get(position, ())

    def update(self, positions: Iterable[int]) -> tuple[set[int], list[int]]:
        """Take in changes at `positions`: layers that inherit otherwise, and those that turned."""
        changed: set[int] = set()
        down, up = self._waiting_down, self._waiting_up
        for position in positions:
            down[position] = 1
            up[position] |= self._is_fed[position]
        flipped = self._pass_down(changed)
        flipped += self._pass_up(changed)
        return changed, flipped

    def _pass_down(self, changed: set[int]) -> list[int]:
        """From the inputs on, every waiting layer; those that turned."""
        turned: list[int] = []
        waiting = self._waiting_down
        position = waiting.find(1)
        while position >= 0:
            waiting[position] = 0
            givers = self._float_givers(position)
            if self._note(self._givers, position, givers):
                changed.add(position)
                self._waiting_up[position] = self._is_fed[position]
            is_given = bool(givers) or self._is_own[position]
            if self._is_given[position] != is_given:
                self._is_given[position] = is_given
                for member in self._groups.members(position):
                    waiting[member] = 1
                for reader in self._wiring.data_readers(position):
                    waiting[reader] |= self._is_transparent[reader]
                if self._settle(position):
                    turned.append(position)
            position = waiting.find(1, position)
        return turned

    def _float_givers(self, position: int) -> tuple[int, ...]:
        """The float head of the layer's group, or the float producers of a transparent layer."""
        head = self._groups.heads[position]
        if head != position:
            is_given = self._is_given[head] and not self._wiring.is_float_only[position]
            return (head,) if is_given else ()
        if not self._is_transparent[position]:
            return ()
        return tuple([p for p in self._wiring.data_producers(position) if self._is_given[p]])

    def _pass_up(self, changed: set[int]) -> list[int]:
        """From the outputs back, every waiting layer fed by inputs alone: float when all its readers are."""
        turned: list[int] = []
        waiting = self._waiting_up
        position = waiting.rfind(1)
        while position >= 0:
            waiting[position] = 0
            if self._note(self._takers, position, self._float_takers(position)):
                changed.add(position)
            if self._settle(position):
                turned.append(position)
            position = waiting.rfind(1, 0, position)
        return turned

    @staticmethod
    def _note(known: dict[int, tuple[int, ...]], position: int, found: tuple[int, ...]) -> bool:
        """Keep what was found for a layer; whether it is something else than before."""
        if found == known.get(position, ()):
            return False
        if found:
            known[position] = found
        else:
            del known[position]
        return True

    def _float_takers(self, position: int) -> tuple[int, ...]:
        if position in self._givers:
            return ()
        readers = self._wiring.all_readers(position)
        return tuple(readers) if all(self.is_float[reader] for reader in readers) else ()

    def _settle(self, position: int) -> bool:
        """Bring the flag of one layer up to date; whether it turned."""
        is_float = bool(self._is_given[position] or position in self._takers)
        if self.is_float[position] == is_float:
            return False
        self.is_float[position] = is_float
        for above in self._fed_above(position):
            self._waiting_up[above] = 1
        return True

    def _fed_above(self, position: int) -> Iterable[int]:
        """The layers fed by inputs alone that `position` reads, removed layers looked through."""
        graph, removed = self._wiring.graph, self._wiring.removed
        waiting = list(graph.producers[position]) if self._has_fed else []
        while waiting:
            producer = waiting.pop()
            if graph.nodes[producer].name in removed:
                waiting += graph.producers[producer]
            elif self._is_fed[producer]:
                yield producer

    def _fed_by_inputs(self) -> bytearray:
        """The transparent layers that compute on nothing but graph inputs, directly or through each other."""
        wiring = self._wiring
        self._is_transparent = bytearray(
            stays and trait is Trait.TRANSPARENT and not is_float_only
            for stays, trait, is_float_only in zip(
                wiring.stays, wiring.traits, wiring.is_float_only, strict=True
            )
        )
        is_source = bytearray(node.kind is NodeKind.INPUT for node in wiring.graph.nodes)
        found = bytearray(len(is_source))
        for position, is_candidate in enumerate(self._is_transparent):
            if is_candidate and all(is_source[p] for p in wiring.data_producers(position)):
                is_source[position] = found[position] = 1
        self._has_fed = any(found)
        return found

"""The cause `inherited`: layers that are float because of the layers around them.

A transparent layer with a float producer; a transparent layer fed only by graph inputs, constants, or other such
layers, when all its readers are float; a member of a group whose head is float. One pass down, one pass up, each
over no more layers than something changed for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, compress

from clika_core.ir.graph import NodeKind
from clika_core.ir.operators import Trait
from clika_core.planning.groups import Groups
from clika_core.planning.wiring import Wiring


class Inheritance:
    """Which layers inherit float from which, by position, kept up to date.

    `is_own` holds the layers that are float for a reason of their own; `is_float` all nodes that carry floats, graph
    inputs and outputs among them. What a layer inherits from is in `givers`; where nothing gives, in `takers`.
    """

    def __init__(self, wiring: Wiring, groups: Groups, is_own: bytearray) -> None:
        """Nothing is float yet but what enters and leaves the graph, and no layer has been looked at."""
        self._wiring, self._groups, self._is_own = wiring, groups, is_own
        num_nodes = len(wiring.graph)
        self._is_given = bytearray(num_nodes)  # float by itself or from above
        self.is_float = bytearray([1]) * num_nodes
        for position in wiring.layers:
            self.is_float[position] = 0
        self.givers: list[Sequence[int]] = [()] * num_nodes
        self.takers: dict[int, Sequence[int]] = {}
        self._producers = wiring.data_producers
        self._is_transparent = self._transparent()
        self._is_fed = self._fed_by_inputs()
        self._has_fed = any(self._is_fed)
        self._waiting_down, self._waiting_up = bytearray(num_nodes), bytearray(self._is_fed)

    def update(self, positions: Iterable[int]) -> tuple[set[int], list[int]]:
        """Take in changes at `positions`: layers that inherit otherwise, and those that turned."""
        positions = list(positions)
        changed, given = self._pass_down(positions)
        if not self._has_fed:
            for position in given:
                self.is_float[position] ^= 1
            return changed, given
        for position in chain(positions, changed):
            self._waiting_up[position] |= self._is_fed[position]
        turned = [position for position in given if self._settle(position)]
        return changed, turned + self._pass_up(changed)

    def _pass_down(self, positions: Iterable[int]) -> tuple[set[int], list[int]]:
        """From the inputs on, every layer that waits: those to which others give otherwise, and those given anew."""
        changed: set[int] = set()
        turned = self._turn_alone(positions)
        waiting, known, is_own, is_given = self._waiting_down, self.givers, self._is_own, self._is_given
        position = waiting.find(1)
        while position >= 0:
            waiting[position] = 0
            givers = self._float_givers(position)
            if givers != known[position]:
                known[position] = givers
                changed.add(position)
            if is_given[position] != (1 if givers else is_own[position]):
                is_given[position] ^= 1
                turned.append(position)
                self._wake_below((position,))
            position = waiting.find(1, position)
        return changed, turned

    def _turn_alone(self, positions: Iterable[int]) -> list[int]:
        """Turn the layers that inherit nothing, before and after; the others wait."""
        turned: list[int] = []
        waiting, known, is_own, is_given = self._waiting_down, self.givers, self._is_own, self._is_given
        heads, is_transparent = self._groups.heads, self._is_transparent
        for position in positions:
            if is_transparent[position] or known[position] or heads[position] != position:
                waiting[position] = 1
            elif is_given[position] != is_own[position]:
                is_given[position] ^= 1
                turned.append(position)
        self._wake_below(turned)
        return turned

    def _wake_below(self, positions: Iterable[int]) -> None:
        """Those wait that may inherit from layers at `positions`: transparent readers, members of their groups."""
        waiting, is_transparent = self._waiting_down, self._is_transparent
        readers = self._wiring.value_readers
        followers, further = self._groups.followers, self._wiring.further_values
        for position in positions:
            for reader in readers[position]:
                waiting[reader] |= is_transparent[reader]
            if position in followers:
                for member in self._groups.members(position):
                    waiting[member] = 1
            if position in further:
                for reader in self._wiring.data_readers(position):
                    waiting[reader] |= is_transparent[reader]

    def _float_givers(self, position: int) -> Sequence[int]:
        """The float head of the layer's group, or the float producers of a transparent layer."""
        is_given, head = self._is_given, self._groups.heads[position]
        if head != position:
            return (head,) if is_given[head] and not self._wiring.is_float_only[position] else ()
        if not self._is_transparent[position]:
            return ()
        givers = [producer for producer in self._producers[position] if is_given[producer]]
        return sorted(set(givers)) if len(givers) > 1 else tuple(givers)

    def _pass_up(self, changed: set[int]) -> list[int]:
        """From the outputs back, every waiting layer fed by inputs alone: float when all its readers are."""
        turned: list[int] = []
        waiting = self._waiting_up
        position = waiting.rfind(1)
        while position >= 0:
            waiting[position] = 0
            takers = self._float_takers(position)
            if takers != self.takers.get(position, ()):
                self.takers[position] = takers
                changed.add(position)
            if self._settle(position):
                turned.append(position)
            position = waiting.rfind(1, 0, position)
        return turned

    def _float_takers(self, position: int) -> Sequence[int]:
        if self.givers[position]:
            return ()
        readers = self._wiring.all_readers(position)
        return readers if all(self.is_float[reader] for reader in readers) else ()

    def _settle(self, position: int) -> bool:
        """Bring the flag of one layer up to date; whether it turned."""
        is_float = bool(self._is_given[position] or self.takers.get(position))
        if self.is_float[position] == is_float:
            return False
        self.is_float[position] = is_float
        for above in self._fed_above(position):
            self._waiting_up[above] = 1
        return True

    def _fed_above(self, position: int) -> Iterable[int]:
        """The layers fed by inputs alone that `position` reads, removed layers looked through."""
        producers, is_removed = self._wiring.graph.producers, self._wiring.is_removed
        waiting = list(producers[position])
        while waiting:
            producer = waiting.pop()
            if is_removed[producer]:
                waiting += producers[producer]
            elif self._is_fed[producer]:
                yield producer

    def _transparent(self) -> bytearray:
        """The layers that move floating-point values and change none."""
        wiring, transparent = self._wiring, Trait.TRANSPARENT
        return bytearray(
            [
                stays and trait is transparent and not is_float_only
                for stays, trait, is_float_only in zip(
                    wiring.stays, wiring.traits, wiring.is_float_only, strict=True
                )
            ]
        )

    def _fed_by_inputs(self) -> bytearray:
        """The transparent layers that compute on nothing but graph inputs, directly or through each other."""
        is_input = bytearray([node.kind is NodeKind.INPUT for node in self._wiring.graph.nodes])
        found = bytearray(len(is_input))
        for position in compress(range(len(found)), self._is_transparent):
            for producer in self._producers[position]:
                if not (is_input[producer] or found[producer]):
                    break
            else:
                found[position] = 1
        return found

"""The causes a layer has by itself, before groups and neighbours: all but `inherited`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import TypeAlias

from clika_core.planning.decision import Cause, CauseKind
from clika_core.planning.question import Question
from clika_core.planning.resolved_rule import RulesHere
from clika_core.planning.standing import Causes, Standing
from clika_core.planning.support import Bits, Support
from clika_core.planning.wiring import Wiring

_Said: TypeAlias = tuple[
    int, int, bool
]  # the id of what rules say, standing, whether an explicit False holds

_NOTHING: RulesHere = ()
_OVERRIDABLE = frozenset({CauseKind.TAIL, CauseKind.RULE, CauseKind.SENSITIVITY})


class OwnCauses:
    """By position: causes, what an explicit False took away, and whether the layer is float; kept up to date."""

    def __init__(self, wiring: Wiring, support: Support) -> None:
        """No layer has a cause yet."""
        self._wiring, self._standing = wiring, Standing(wiring, support)
        num_nodes = len(wiring.graph)
        self.causes: list[Causes] = [()] * num_nodes
        self.overridden: list[Causes] = [()] * num_nodes
        self.is_float = bytearray(num_nodes)
        self._here: list[RulesHere] = [_NOTHING] * num_nodes
        self._decided: dict[int, tuple[bool, Bits]] = {}  # where rules decide more than causes
        self._merged: dict[_Said, tuple[Causes, Causes]] = {}
        self._kept_alive: list[RulesHere] = []  # an id may be part of a key only while its object lives

    def update(self, question: Question, positions: Iterable[int] | None) -> list[int]:
        """Collect the causes of the layers at `positions` anew, of all layers for None; those that turned."""
        turned: list[int] = []
        if self._standing.update(question):
            self._merged.clear()
        numbers, stays, is_float = self._standing.numbers, self._wiring.stays, self.is_float
        causes, overridden, said_here, merged = self.causes, self.overridden, self._here, self._merged
        rules_at, decided = question.reach.causes.get, question.decided | self._decided.keys()
        for position in self._concerned(question) if positions is None else positions:
            if not stays[position]:
                continue
            here = said_here[position] = rules_at(position, _NOTHING)
            said = (id(here), numbers[position], False)
            if position in decided:
                said = self._decide(question, position)
            found = merged.get(said)
            if found is None:
                found = merged[said] = _merge(here, self._standing.causes[said[1]], said[2])
                self._kept_alive.append(here)
            causes[position], overridden[position] = found
            if is_float[position] != (1 if found[0] else 0):
                is_float[position] ^= 1
                turned.append(position)
        if len(self._kept_alive) > 2 * len(stays) + 1000:
            self._merged.clear()
            self._kept_alive.clear()
        return turned

    def _decide(self, question: Question, position: int) -> _Said:
        """What is said of a layer of which a rule decides a field, or did."""
        here, is_kept, bits = question.rules_say(position)
        is_default = bits == question.default_bits
        if is_kept or not is_default:
            self._decided[position] = (is_kept, bits)
        else:
            self._decided.pop(position, None)
        number = self._standing.numbers[position]
        return id(here), number if is_default else self._standing.with_bits(position, bits), is_kept

    def _concerned(self, question: Question) -> set[int]:
        """All layers that have a cause, or had one."""
        every = range(len(self.causes))
        before = set(compress(every, self.causes))
        return before.union(
            compress(every, self._here),
            self._decided,
            question.ruled,
            compress(every, self._standing.numbers),
        )

    def differing(self, question: Question) -> set[int]:
        """The layers for which the rules say something else than when they were last updated."""
        asked = {*compress(range(len(self._here)), self._here), *self._decided}
        default = (False, question.default_bits)
        return {
            position
            for position in asked | question.ruled
            if (self._here[position], *self._decided.get(position, default)) != question.rules_say(position)
        }


def _merge(here: RulesHere, standing: Causes, is_kept: bool) -> tuple[Causes, Causes]:
    """Causes that hold, and causes that an explicit False took away; shared by layers of which the same is said."""
    causes = sorted((*standing, *(cause for _, cause in here)), key=Cause.sort_key)
    lost = tuple(cause for cause in causes if is_kept and cause.kind in _OVERRIDABLE)
    held = tuple(cause for cause in causes if not (is_kept and cause.kind in _OVERRIDABLE))
    return held, lost

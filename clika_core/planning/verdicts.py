"""`Verdicts`: from what is asked to one decision per layer, step by step, each over no more layers than changed.

own causes (float_only, unsupported, tail, rule, sensitivity) -> explicit False takes some away
-> groups -> inherited -> decisions, borders, rules without effect
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cache

from clika_core.frozen import maker
from clika_core.planning.borders import Borders
from clika_core.planning.decision import Cause, CauseKind, Decision, Precision
from clika_core.planning.effects import Effects
from clika_core.planning.groups import Groups
from clika_core.planning.inheritance import Inheritance
from clika_core.planning.own_causes import OwnCauses
from clika_core.planning.plan import Plan
from clika_core.planning.question import Question
from clika_core.planning.support import Support
from clika_core.planning.wiring import Wiring
from clika_core.targets.target import Target


class Verdicts:
    """The decisions on all layers, kept up to date from plan to plan."""

    def __init__(self, wiring: Wiring, target: Target) -> None:
        """Prepare; nothing is decided yet."""
        self._wiring, self._target = wiring, target
        self._support = Support(wiring, target)
        self._own = OwnCauses(wiring, self._support)
        self._groups = Groups(wiring, target)
        self._inheritance = Inheritance(wiring, self._groups, self._own.is_float)
        self._borders = Borders(wiring)
        self._decisions: list[Decision | None] = [None] * len(wiring.graph)
        self._asked: Question | None = None

    def plan(self, question: Question, touched: set[int] | None) -> Plan:
        """The answer to `question`.

        `touched` are the layers for which the rules say something else than in the last question, where known.
        """
        positions = self._differing(question, touched)
        self._update(question, positions)
        self._asked = question
        effects = Effects(
            self._wiring, self._support, question, self._own.overridden, self._inheritance.is_float
        )
        return Plan(
            self._wiring.graph,
            self._target.name,
            tuple(filter(None, self._decisions)),
            self._borders.all(),
            (*question.reach.diagnostics, *effects.without_effect()),
        )

    def _differing(self, question: Question, touched: set[int] | None) -> set[int] | None:
        """The layers for which anything is asked otherwise than last time; None for all."""
        last = self._asked
        if last is None or last.default_bits != question.default_bits:
            return None
        is_same_book = touched is not None and last.reach.causes is question.reach.causes
        found = touched if touched is not None and is_same_book else self._own.differing(question)
        if last.tail is not question.tail:
            tails = last.tail, question.tail
            found = found | {
                p for p in tails[0].keys() | tails[1].keys() if tails[0].get(p) != tails[1].get(p)
            }
        if last.measurement != question.measurement:
            index = self._wiring.graph.index
            found = found | {
                index[name] for name in last.measured.keys() | question.measured.keys() if name in index
            }
        return found

    def _update(self, question: Question, positions: Collection[int] | None) -> None:
        turned = self._own.update(question, positions)
        regrouped = self._groups.regroup(turned, self._own.is_float)
        inheriting, flipped = self._inheritance.update([*turned, *regrouped])
        self._borders.place(flipped, self._inheritance.is_float)
        self._decide(
            question, self._wiring.layers if positions is None else inheriting.union(positions, regrouped)
        )

    def _decide(self, question: Question, positions: Iterable[int]) -> None:
        make_decision, make_cause = _makers()
        names, stays, heads = self._wiring.names, self._wiring.stays, self._groups.heads
        causes, overridden = self._own.causes, self._own.overridden
        givers_of, taken_by = self._inheritance.givers, self._inheritance.takers.get
        is_float, decided, default = self._inheritance.is_float, question.decided, question.default_bits
        measured, decisions, nothing = question.measured, self._decisions, ()
        for position in positions:
            name = names[position]
            if not stays[position]:
                decisions[position] = self._of_removed(name)
                continue
            weights_num_bits, activations_num_bits = (
                question.bits(position) if position in decided else default
            )
            qs = measured[name].qs if measured and name in measured else None
            group, lost = names[heads[position]], overridden[position]
            if is_float[position]:
                held, givers = causes[position], givers_of[position] or taken_by(position)
                if givers:
                    of = tuple([names[giver] for giver in givers])
                    held = (*held, make_cause(_INHERITED, None, None, None, of))
                precision = _FLOAT
            else:
                precision, held = _QUANTIZED, nothing
            decisions[position] = make_decision(
                name, precision, held, lost, group, None, weights_num_bits, activations_num_bits, qs
            )

    def _of_removed(self, name: str) -> Decision:
        host = self._wiring.removed[name]
        head = self._groups.heads[self._wiring.graph.index[host]] if host else None
        group = None if head is None else self._wiring.names[head]
        return Decision(name, Precision.REMOVED, group=group, into=host)


_makers = cache(lambda: (maker(Decision), maker(Cause)))  # when the first plan is made

# an attribute of an enum is slow to look up
_FLOAT, _QUANTIZED, _INHERITED = Precision.FLOAT, Precision.QUANTIZED, CauseKind.INHERITED

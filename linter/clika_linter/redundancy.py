"""Which rules could be taken out together, and the same layers would be quantized with the same bits."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto
from typing import TypeAlias

from clika_core.ir.operators import Trait
from clika_core.planning.decision import CauseKind, Decision, Precision
from clika_core.planning.plan import Plan
from clika_core.planning.skip_rules import FIELDS
from clika_linter.context import Context

MAX_PLANNED_NODES = 20_000  # of whole plans made to find out, together: files may have thousands of rules
_OVERRIDABLE = frozenset({CauseKind.TAIL, CauseKind.SENSITIVITY})  # beside rules

_Candidates: TypeAlias = (
    "dict[int, list[tuple[int, int, int | bool]]]"  # position -> specificity, number, value
)
_State: TypeAlias = tuple[bool, int, int]  # float for a reason of its own, bits of weights and activations
_Verdict: TypeAlias = tuple[Precision, str | None, int, int]


class _Change(Enum):
    NO = auto()
    YES = auto()
    OPEN = auto()  # only a whole plan can tell: neighbours decide


def redundant_rules(context: Context) -> list[int]:
    """Numbers of rules in `context.reach` without which, all together, the plan decides the same.

    Of rules that replace each other, those that reach fewer layers are named first, then later ones.
    """
    return sorted(_Search(context).run())


class _Search:
    """Takes out one rule after the other."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._target = context.target
        self._decisions = {d.name: d for d in context.plan.decisions}
        self._fields = {name: _candidates(context, name) for name in FIELDS}
        self._touched: dict[int, set[int]] = {number: set(rule.matches) for number, rule in context.rules()}
        for position, causes in context.reach.causes.items():
            for number, _ in causes:
                self._touched[number].add(position)
        self._removed: set[int] = set()
        self._plans_left = MAX_PLANNED_NODES // max(1, len(context.graph))

    def run(self) -> set[int]:
        """The rules that could go. One that goes may have been the only reason for another: look again then."""
        left = sorted(self._touched, key=lambda number: (len(self._touched[number]), -number))
        num_before = -1
        while num_before < len(self._removed):
            num_before = len(self._removed)
            for number in left:
                if self._is_redundant(number):
                    self._removed.add(number)
            left = [number for number in left if number not in self._removed]
        return self._removed

    def _is_redundant(self, number: int) -> bool:
        change = _Change.NO
        for position in self._touched[number]:
            found = self._change(position, {*self._removed, number})
            if found is _Change.YES:
                return False
            change = found if found is _Change.OPEN else change
        if change is _Change.NO:
            return True
        self._plans_left -= 1
        if self._plans_left < 0:
            return False
        plan = self._context.plan_without(*self._removed, number)
        return _verdicts(plan) == _verdicts(self._context.plan)

    def _change(self, position: int, without: Collection[int]) -> _Change:
        """What becomes of a layer without these rules, as far as the layer alone can tell."""
        node = self._context.graph.nodes[position]
        decision = self._decisions[node.name]
        if decision.precision is Precision.REMOVED:
            return _Change.NO
        if not all(self._is_settled(name, position, without) for name in FIELDS):
            return _Change.YES
        before, after = (self._state(position, decision, rules) for rules in (self._removed, without))
        if before == after or (before[0] and after[0]):
            return _Change.NO
        is_certain = (
            before[0] == after[0] and decision.precision is Precision.QUANTIZED
        ) or self._context.wiring.traits[position] is Trait.WEIGHTED
        return _Change.YES if is_certain else _Change.OPEN

    def _state(self, position: int, decision: Decision, without: Collection[int]) -> _State:
        bits = (
            self._bits("weights_num_bits", position, without),
            self._bits("activations_num_bits", position, without),
        )
        kinds = {cause.kind for cause in (*decision.causes, *decision.overridden)}
        is_forced = CauseKind.FLOAT_ONLY in kinds or not self._is_supported(position, decision, bits, kinds)
        is_kept = self._value("skip_quantization", position, without) is False
        is_skipped = bool(kinds & _OVERRIDABLE) or any(
            number not in without for number, _ in self._context.reach.causes.get(position, ())
        )
        return is_forced or (is_skipped and not is_kept), *bits

    def _is_supported(
        self, position: int, decision: Decision, bits: tuple[int, int], kinds: Collection[CauseKind]
    ) -> bool:
        if bits == (decision.weights_num_bits, decision.activations_num_bits):
            return CauseKind.UNSUPPORTED not in kinds
        graph = self._context.graph
        return self._target.support(graph, graph.nodes[position], *bits) is None

    def _bits(self, name: str, position: int, without: Collection[int]) -> int:
        found = self._value(name, position, without)
        default: int = getattr(self._context.settings.global_quantization_settings, name)
        return default if found is None else int(found)

    def _is_settled(self, name: str, position: int, without: Collection[int]) -> bool:
        """Whether the most specific rules that are left agree on a field."""
        left = [entry for entry in self._fields[name].get(position, ()) if entry[1] not in without]
        return len({value for specificity, _, value in left if specificity == left[0][0]}) < 2

    def _value(self, name: str, position: int, without: Collection[int]) -> int | bool | None:
        """What the most specific rule that is left says of a field."""
        candidates = self._fields[name].get(position, ())
        return next((value for _, number, value in candidates if number not in without), None)


def _candidates(context: Context, name: str) -> _Candidates:
    """By layer, the rules that set a field, most specific first."""
    found: _Candidates = {}
    for number, rule in context.rules():
        value = getattr(rule.rule.settings, name)
        for position, specificity in () if value is None else rule.matches.items():
            found.setdefault(position, []).append((-specificity, number, value))
    for entries in found.values():
        entries.sort()
    return found


def _verdicts(plan: Plan) -> dict[str, _Verdict]:
    """What the quantized model depends on, by layer; bits only where they are used."""
    return {d.name: _verdict(d) for d in plan.decisions}


def _verdict(decision: Decision) -> _Verdict:
    if decision.precision is not Precision.QUANTIZED:
        return decision.precision, None, 0, 0
    bits = decision.weights_num_bits, decision.activations_num_bits
    return decision.precision, decision.group, *bits

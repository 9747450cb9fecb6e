"""What holds on layers whatever the rules say: no float output, no kernel, a tail, a measured sensitivity."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import compress
from typing import TypeAlias

from clika_core.planning.decision import Cause, CauseKind
from clika_core.planning.question import Question
from clika_core.planning.support import Bits, Support
from clika_core.planning.wiring import Wiring

Causes: TypeAlias = tuple[Cause, ...]


class Standing:
    """A number per layer, by position, and the causes that each number stands for; number 0 has none."""

    def __init__(self, wiring: Wiring, support: Support) -> None:
        """Nothing holds before the first `update`."""
        self._wiring, self._support = wiring, support
        self._asked: Question | None = None
        self._measured: Mapping[int, Cause] = {}
        self._known: dict[object, int] = {}
        self.numbers: list[int] = []
        self.causes: list[Causes] = []

    def update(self, question: Question) -> bool:
        """Number all layers anew, where anything but the rules is asked otherwise than last time; whether it is."""
        last, self._asked = self._asked, question
        if last is not None and question.is_like(last):
            return False
        self._known.clear()
        self._measured = self._too_sensitive(question)
        self.numbers, self.causes = [0] * len(self._wiring.graph), [()]
        reasons = self._support.unsupported(question.default_bits)
        float_only = compress(range(len(self.numbers)), self._wiring.is_float_only)
        for position in {*float_only, *reasons, *question.tail, *self._measured}:
            self.numbers[position] = self._number(question, position, reasons.get(position))
        return True

    def with_bits(self, position: int, bits: Bits) -> int:
        """The number of a layer whose bits are not the default."""
        assert self._asked is not None, "update comes first"
        return self._number(self._asked, position, self._support.reason(position, bits))

    def _number(self, question: Question, position: int, reason: str | None) -> int:
        is_float_only, outputs = self._wiring.is_float_only[position], question.tail.get(position)
        measured = self._measured.get(position)
        key = (is_float_only, reason, id(outputs), measured)  # `tail` keeps its outputs alive
        number = self._known.get(key)
        if number is None:
            found = [Cause(CauseKind.FLOAT_ONLY)] if is_float_only else []
            found += [Cause(CauseKind.UNSUPPORTED, of=(reason,))] if reason else []
            found += [Cause(CauseKind.TAIL, of=outputs)] if outputs else []
            found += [measured] if measured else []
            number = self._known[key] = len(self.causes) if found else 0
            self.causes += [tuple(found)] if found else []
        return number

    def _too_sensitive(self, question: Question) -> Mapping[int, Cause]:
        """The layers whose measure is above the threshold, with the cause."""
        if question.threshold is None:
            return {}
        index = self._wiring.graph.index
        found = {index[name]: _sensitivity(question, name) for name in question.measured if name in index}
        return {position: cause for position, cause in found.items() if cause is not None}


def _sensitivity(question: Question, layer: str) -> Cause | None:
    value = question.measured[layer].measure(question.measure)
    if (
        question.threshold is None or value is None or value <= question.threshold
    ):  # NaN is above every threshold
        return None
    return Cause(CauseKind.SENSITIVITY, of=(f"{value:.6g} > {question.threshold:.6g}",))

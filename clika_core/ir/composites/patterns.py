"""Patterns over neutral primitives, matched from a result backwards.

A pattern is tried on a slot (a value, or a number in an operand's place) and yields every way to match it.
Patterns are small values: `dsl` has the functions they are written with, `reduction` one more kind.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import isclose

from clika_core.frozen import field, frozen
from clika_core.ir.composites.trace_view import Match, Slot, TraceView
from clika_core.ir.graph import AttributeValue
from clika_core.ir.recording import Record, Ref

COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum"})
TOLERANCE = 1e-4  # relative: sources write sqrt(2 / pi) as 0.79788 or 0.7978845608


class Pattern(ABC):
    """Something that a slot of a trace may or may not look like."""

    @abstractmethod
    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Every way in which `slot` looks like this, given what is bound in `match`."""

    @property
    def size(self) -> int:
        """Number of operations, of the largest alternative."""
        return 0

    @property
    def types(self) -> frozenset[str]:
        """Operator types that occur anywhere in it."""
        return frozenset()

    @property
    def roots(self) -> frozenset[str]:
        """Operator types that its result can be computed by."""
        return frozenset()


@frozen
class Variable(Pattern):
    """Any value but a single size; everywhere the same one. Named after the operand it becomes."""

    name: str

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Binds the value."""
        if isinstance(slot, Ref) and (trace.known.is_operand(slot) or not trace.is_size(slot)):
            bound = match.bind(self.name, slot)
            if bound is not None:
                yield bound


@frozen
class Parameter(Pattern):
    """A parametric value, before it was reshaped or repeated to broadcast; `is_whole`: in the shape it has here.

    With `rank`: where it had so many axes, if it ever had.
    """

    name: str
    is_whole: bool = False
    rank: int | None = None

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Binds the value that the broadcast one comes from."""
        if isinstance(slot, Ref) and trace.known.is_parametric(slot):
            bound = match.bind(self.name, slot if self.is_whole else trace.source(slot, self.rank))
            if bound is not None:
                yield bound


@frozen
class Literal(Pattern):
    """A number, within `TOLERANCE`."""

    value: float

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Binds nothing."""
        if isinstance(slot, float) and isclose(slot, self.value, rel_tol=TOLERANCE):
            yield match


@frozen
class Capture(Pattern):
    """Any number in an operand's place, or any value of an attribute; kept as the attribute `name`."""

    name: str

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Captures the number."""
        if isinstance(slot, float):
            captured = match.capture(self.name, slot)
            if captured is not None:
                yield captured


@frozen(slots=False)
class Either(Pattern):
    """One of several patterns, tried in order."""

    alternatives: tuple[Pattern, ...]

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Whatever an alternative binds."""
        record = trace.computed_by(slot)
        for alternative in self._likely.get(record.type if record else None, self._rootless):
            yield from alternative.matches(slot, match, trace)

    @cached_property
    def _likely(self) -> dict[str | None, tuple[Pattern, ...]]:
        """By the type of the operation that computes a value, the alternatives worth trying on it."""
        return {
            root: tuple(one for one in self.alternatives if root in one.roots or not one.roots)
            for root in self.roots
        }

    @cached_property
    def _rootless(self) -> tuple[Pattern, ...]:
        """The alternatives that values of any origin may fit."""
        return tuple(one for one in self.alternatives if not one.roots)

    @property
    def size(self) -> int:
        """The largest alternative's."""
        return max(alternative.size for alternative in self.alternatives)

    @property
    def types(self) -> frozenset[str]:
        """Those of all alternatives."""
        return frozenset().union(*(alternative.types for alternative in self.alternatives))

    @property
    def roots(self) -> frozenset[str]:
        """Those of all alternatives."""
        return frozenset().union(*(alternative.roots for alternative in self.alternatives))


@frozen
class Operation(Pattern):
    """An operation of one type over operands in the vocabulary's order, either order where it commutes.

    `attributes` must agree: a number within `TOLERANCE`, None with absence, a `Capture` keeps any.
    """

    type: str
    operands: tuple[Pattern, ...]
    attributes: Mapping[str, AttributeValue | Capture] = field(default_factory=dict)

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Takes the record and matches its operands."""
        record = trace.computed_by(slot)
        if record is None or record.type != self.type:
            return
        agreed = _agree(self.attributes, record, match)
        slots = trace.slots(record)
        if agreed is None or len(slots) != len(self.operands):
            return
        orders = (slots, slots[::-1]) if self.type in COMMUTATIVE and len(slots) == 2 else (slots,)
        for order in orders:
            yield from _match_all(self.operands, order, agreed.take(record.id), trace)

    @property
    def size(self) -> int:
        """One, and its operands'."""
        return 1 + sum(operand.size for operand in self.operands)

    @property
    def types(self) -> frozenset[str]:
        """Its own, and its operands'."""
        return frozenset({self.type}).union(*(operand.types for operand in self.operands))

    @property
    def roots(self) -> frozenset[str]:
        """Its own."""
        return frozenset({self.type})


def _match_all(
    patterns: Sequence[Pattern], slots: Sequence[Slot], match: Match, trace: TraceView
) -> Iterator[Match]:
    """Every way in which all `patterns` match their slots."""
    if not patterns:
        yield match
        return
    for found in patterns[0].matches(slots[0], match, trace):
        yield from _match_all(patterns[1:], slots[1:], found, trace)


def _agree(wanted: Mapping[str, AttributeValue | Capture], record: Record, match: Match) -> Match | None:
    """`match` with what the record's attributes add to it, or None where one differs."""
    agreed: Match | None = match
    for name, expected in wanted.items():
        found = record.attributes.get(name)
        if agreed is None:
            return None
        if isinstance(expected, Capture):
            agreed = agreed.capture(expected.name, found)
        elif not _equal(found, expected):
            return None
    return agreed


def _equal(found: AttributeValue, expected: AttributeValue) -> bool:
    if isinstance(found, int | float) and isinstance(expected, int | float):
        return isclose(found, expected, rel_tol=TOLERANCE)
    return found == expected

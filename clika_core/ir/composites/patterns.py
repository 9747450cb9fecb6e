"""Patterns over neutral primitives, matched from a result backwards.

A pattern is tried on a slot (a value, or a number in an operand's place) and yields every way to match it.
Patterns are small values: `dsl` has the functions they are written with.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import isclose, prod

from clika_core.ir.composites.trace_view import SPREADING, Match, Slot, TraceView
from clika_core.ir.graph import AttributeValue, Shape
from clika_core.ir.recording import Record, Ref

COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum"})
TOLERANCE = 1e-4  # relative: sources write sqrt(2 / pi) as 0.79788 or 0.7978845608
_LONGEST_SPREAD = 3


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


@dataclass(frozen=True, slots=True)
class Variable(Pattern):
    """Any value; everywhere the same one. Named after the operand it becomes."""

    name: str

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Binds the value."""
        if isinstance(slot, Ref) and not trace.is_size(slot):
            bound = match.bind(self.name, slot)
            if bound is not None:
                yield bound


@dataclass(frozen=True, slots=True)
class Parameter(Pattern):
    """A parametric value, before it was reshaped or repeated to broadcast."""

    name: str

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Binds the value that the broadcast one comes from."""
        if isinstance(slot, Ref) and trace.known.is_parametric(slot):
            bound = match.bind(self.name, trace.source(slot))
            if bound is not None:
                yield bound


@dataclass(frozen=True, slots=True)
class Literal(Pattern):
    """A number, within `TOLERANCE`."""

    value: float

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Binds nothing."""
        if isinstance(slot, float) and isclose(slot, self.value, rel_tol=TOLERANCE):
            yield match


@dataclass(frozen=True, slots=True)
class Capture(Pattern):
    """Any number in an operand's place, or any value of an attribute; kept as the attribute `name`."""

    name: str

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Captures the number."""
        if isinstance(slot, float):
            captured = match.capture(self.name, slot)
            if captured is not None:
                yield captured


@dataclass(frozen=True)
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


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Reduced(Pattern):
    """A reduction (`sum`, `mean`, `var`, `reduce_max`) of `operand`, spread to broadcast against it again.

    The value has the operand's shape with 1 on the reduced axes, or the whole shape: by keeping the
    dimensions, or by reshapes and expansions after. A mean may be a sum divided by the count. `axes` is
    captured, counted from the front.
    """

    type: str
    operand: Pattern
    axes: str = "axes"

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Takes the reduction and what spreads it, and matches what is reduced."""
        if not isinstance(slot, Ref):
            return
        divisor, taken, record = _walk_to_reduction(slot, self.type, trace)
        if record is None or not record.operands:
            return
        whole = trace.value(record.operands[0][1]).shape
        axes = reduced_axes(record, len(whole))
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(whole))
        if trace.value(slot).shape not in (kept, whole) or not _divides(divisor, whole, axes):
            return
        captured = match.take(record.id, *taken).capture(self.axes, axes)
        if captured is not None:
            yield from self.operand.matches(record.operands[0][1], captured, trace)

    @property
    def size(self) -> int:
        """One, and the operand's."""
        return 1 + self.operand.size

    @property
    def types(self) -> frozenset[str]:
        """Its own, and the operand's."""
        return self.operand.types | {self.type}


def reduced_axes(record: Record, rank: int) -> tuple[int, ...]:
    """The reduced axes in order, counted from the front; all of them where none is named."""
    axes = record.attributes.get("axes")
    if axes is None:
        return tuple(range(rank))
    listed = axes if isinstance(axes, tuple) else (axes,)
    return tuple(sorted(axis % rank for axis in listed if isinstance(axis, int) and rank))


def _walk_to_reduction(
    ref: Ref, wanted: str, trace: TraceView
) -> tuple[float | None, list[str], Record | None]:
    """From a spread value back to its reduction: the divisor met, the records passed, the reduction."""
    divisor: float | None = None
    passed: list[str] = []
    for _ in range(2 * _LONGEST_SPREAD):
        record = trace.operation(ref)
        if record is None or trace.is_size(ref) or not record.operands:
            break
        if record.type == wanted and divisor is None and _is_plain(record):
            return None, passed, record
        if record.type == "sum" and wanted == "mean" and divisor is not None:
            return divisor, passed, record
        number = _division(record, trace)
        if record.type not in SPREADING and (number is None or divisor is not None):
            break
        divisor = number if number is not None else divisor
        passed.append(record.id)
        ref = record.operands[0][1]
    return None, passed, None


def _is_plain(record: Record) -> bool:
    """Whether a variance divides by the count itself: one that does not say so divides by one less."""
    return record.type != "var" or record.attributes.get("correction") == 0


def _division(record: Record, trace: TraceView) -> float | None:
    """What the record divides its first operand by, if it divides by a number."""
    number = trace.slot(record, "other")
    if not isinstance(number, float) or number == 0:
        return None
    return {"div": number, "mul": 1 / number}.get(record.type)


def _divides(divisor: float | None, shape: Shape, axes: Sequence[int]) -> bool:
    """Whether `divisor` is the number of elements that are reduced into one, or nothing was divided."""
    sizes = [shape[axis] for axis in axes]
    if divisor is None:
        return True
    counts = [size for size in sizes if isinstance(size, int)]
    return len(counts) == len(sizes) and isclose(divisor, prod(counts), rel_tol=TOLERANCE)


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

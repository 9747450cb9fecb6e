"""The pattern for reductions, which frameworks spell with kept dimensions, reshapes, or a sum and a division."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isclose, prod

from clika_core.frozen import frozen
from clika_core.ir.composites.patterns import TOLERANCE, Pattern
from clika_core.ir.composites.trace_view import SPREADING, Match, Slot, TraceView
from clika_core.ir.graph import Shape
from clika_core.ir.recording import Record, Ref

_LONGEST_WALK = 6


@frozen
class Reduced(Pattern):
    """A reduction (`sum`, `mean`, `var`, `reduce_max`) of `operand`, spread to broadcast against it again.

    The value has the operand's shape with 1 on the reduced axes, or the whole shape: by keeping the
    dimensions, or by reshapes and expansions after. A mean may be a sum divided by the count. `axes` is
    captured, counted from the front. With `drops_axes` the value has lost the reduced axes: see `Spread`.
    """

    type: str
    operand: Pattern
    axes: str = "axes"
    drops_axes: bool = False

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Takes the reduction and what spreads it, and matches what is reduced."""
        if not isinstance(slot, Ref):
            return
        divisor, taken, record = _walk_to_reduction(slot, self.type, trace)
        if record is None or not record.operands:
            return
        whole = trace.value(record.operands[0][1]).shape
        axes = _axes(record, len(whole))
        kept = tuple(1 if axis in axes else size for axis, size in enumerate(whole))
        lost = tuple(size for axis, size in enumerate(whole) if axis not in axes)
        if trace.value(slot).shape not in ((lost,) if self.drops_axes else (kept, whole)) or not _divides(
            divisor, whole, axes
        ):
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


@frozen
class Spread(Pattern):
    """A value made of reductions that dropped their axes, which come back with one element each."""

    operand: Pattern
    axes: str = "axes"

    def matches(self, slot: Slot, match: Match, trace: TraceView) -> Iterator[Match]:
        """Takes what brings the axes back, and matches what is behind it."""
        record = trace.operation(slot) if isinstance(slot, Ref) and not trace.is_size(slot) else None
        if record is None or record.type not in ("reshape", "unsqueeze") or not record.operands:
            return
        shape = record.outputs[0].shape
        for found in self.operand.matches(record.operands[0][1], match.take(record.id), trace):
            axes = found.attributes.get(self.axes)
            listed = axes if isinstance(axes, tuple) else ()
            kept = tuple(size for axis, size in enumerate(shape) if axis not in listed)
            is_back = len(kept) + len(listed) == len(shape) and all(
                shape[axis] == 1 for axis in listed if isinstance(axis, int)
            )
            if is_back and kept == trace.value(record.operands[0][1]).shape:
                yield found

    @property
    def size(self) -> int:
        """One, and the operand's."""
        return 1 + self.operand.size

    @property
    def types(self) -> frozenset[str]:
        """The operand's."""
        return self.operand.types

    @property
    def roots(self) -> frozenset[str]:
        """What may bring axes back."""
        return frozenset({"reshape", "unsqueeze"})


def _axes(record: Record, rank: int) -> tuple[int, ...]:
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
    for _ in range(_LONGEST_WALK):
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

"""Find composites in a trace and put one record in the place of each.

Composites made of others come after these. Within a stage results are visited from the last to the first and
larger patterns are tried first, so that a norm with its scale and bias is found before the norm inside it.
Each attempt looks at no more records than its pattern has operations: the whole is linear in the trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TypeAlias

from clika_core.frozen import replace
from clika_core.ir.composites import COMPOSITES
from clika_core.ir.composites.composite import Attributes, Composite
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.dependence import Dependences
from clika_core.ir.operators import OPERATORS
from clika_core.ir.paths import common_path, normalise_path
from clika_core.ir.recording import Record, Recording, Ref

Index: TypeAlias = dict[str, list[tuple[Composite, Pattern]]]


class Recogniser:
    """The composites, sorted into stages and by the type of their result's operation; made once."""

    def __init__(self, composites: Sequence[Composite]) -> None:
        """Raises ValueError where composites mention each other in a circle."""
        self._stages = [_index(stage) for stage in stages(composites)]

    def recognise(self, recording: Recording, layers: Sequence[Record], known: Dependences) -> list[Record]:
        """`layers` with every composite in them as one record, at the place and under the id of its result.

        `layers` are the recording's operations on data that lead to an output, in order.
        """
        order = {record.id: position for position, record in enumerate(recording.records)}
        found = list(layers)
        for index in self._stages:
            found = _recognise_stage(index, TraceView(recording, found, known), order)
        return found


@cache
def recogniser() -> Recogniser:
    """The one for all composites of the project."""
    return Recogniser(COMPOSITES)


def stages(composites: Sequence[Composite]) -> list[list[Composite]]:
    """Composites in groups, each after the groups of the composites that its patterns mention."""
    waiting = list(composites)
    found: list[list[Composite]] = []
    while waiting:
        missing = {composite.type for composite in waiting}
        ready = [composite for composite in waiting if not composite.inner_types & missing]
        if not ready:
            raise ValueError(f"composites mention each other in a circle: {sorted(missing)}")
        found.append(ready)
        waiting = [composite for composite in waiting if composite not in ready]
    return found


def _recognise_stage(index: Index, trace: TraceView, order: Mapping[str, int]) -> list[Record]:
    replaced: dict[str, Record] = {}
    gone: set[str] = set()
    for record in reversed(trace.layers):
        if record.id in gone or len(record.outputs) != 1:
            continue
        for composite, pattern in index.get(record.type, ()):
            made = _try(composite, pattern, record, trace, gone)
            if made is not None:
                match, attributes = made
                replaced[record.id] = _composite_record(composite, record, match, attributes, trace, order)
                gone |= {taken for taken in match.records if trace.known.is_data(Ref(taken))}
                break
    return [
        replaced.get(record.id, record)
        for record in trace.layers
        if record.id in replaced or record.id not in gone
    ]


def _index(stage: Sequence[Composite]) -> Index:
    """Patterns by the type of their result's operation, the largest first."""
    found: Index = {}
    for composite in stage:
        for pattern in composite.patterns:
            for root in pattern.roots:
                found.setdefault(root, []).append((composite, pattern))
    for entries in found.values():
        entries.sort(key=lambda entry: -entry[1].size)
    return found


def _try(
    composite: Composite, pattern: Pattern, root: Record, trace: TraceView, gone: set[str]
) -> tuple[Match, Attributes] | None:
    """The first way to match that takes nothing twice and leaks no inner value."""
    for match in pattern.matches(Ref(root.id), Match(), trace):
        if match.records.isdisjoint(gone) and trace.is_closed(match, root.id):
            attributes = composite.attributes(match, trace)
            if attributes is not None:
                return match, attributes
    return None


def _composite_record(
    composite: Composite,
    root: Record,
    match: Match,
    attributes: Attributes,
    trace: TraceView,
    order: Mapping[str, int],
) -> Record:
    """One record for all that was taken; a single primitive under a better name has no body."""
    taken = [trace.records[name] for name in sorted(match.records, key=order.__getitem__)]
    paths = [
        normalise_path(record.path) for record in taken if record.path and trace.known.is_data(Ref(record.id))
    ]
    roles = OPERATORS[composite.type].operands
    return replace(
        root,
        type=composite.type,
        operands=tuple((role, match.values[role]) for role in roles if role in match.values),
        attributes=attributes,
        path=common_path(paths),
        body=tuple(_primitives(taken)) if len(taken) > 1 else root.body,
    )


def _primitives(records: Iterable[Record]) -> Iterator[Record]:
    """What the records stand for, composites among them taken apart."""
    for record in records:
        yield from record.body or (record,)

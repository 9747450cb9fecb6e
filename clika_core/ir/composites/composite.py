"""What a composite is: an operator type, and the ways in which frameworks spell it as primitives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from clika_core.frozen import frozen
from clika_core.ir.composites.patterns import Pattern
from clika_core.ir.composites.trace_view import Match, TraceView
from clika_core.ir.graph import AttributeValue

Attributes: TypeAlias = Mapping[str, AttributeValue]


def _as_captured(match: Match, _: TraceView) -> Attributes | None:
    return match.attributes


@frozen
class Composite:
    """One layer where a framework has many operations.

    The variables of `patterns` are named after the operands of `type` in the vocabulary. `attributes` makes
    the layer's attributes of what was captured; None refuses the match.
    """

    type: str
    patterns: tuple[Pattern, ...]
    attributes: Callable[[Match, TraceView], Attributes | None] = _as_captured

    @property
    def inner_types(self) -> frozenset[str]:
        """Other operator types that its patterns are made of."""
        return frozenset().union(*(pattern.types for pattern in self.patterns)) - {self.type}


def always(**attributes: AttributeValue) -> Callable[[Match, TraceView], Attributes]:
    """Attributes that do not depend on what was captured."""
    return lambda _match, _trace: attributes

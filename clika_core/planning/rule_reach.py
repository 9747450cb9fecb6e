"""What rules reach on a graph: the causes they give to layers, and the fields they decide."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from clika_core.diagnostics import Diagnostic
from clika_core.frozen import frozen
from clika_core.planning.field_winners import Winners
from clika_core.planning.resolved_rule import ResolvedRule, RulesHere


@frozen(slots=False)
class RuleReach:
    """What the rules say of each layer, by position: the causes they give, and the fields they decide.

    A rule's number is its place in `rules`; `order` lists the numbers as the rules were written, or is None where
    that is the same.
    """

    rules: Sequence[ResolvedRule]
    causes: Mapping[int, RulesHere]
    fields: Winners
    diagnostics: Sequence[Diagnostic] = ()
    order: Sequence[int] | None = None

    def numbered(self) -> Iterator[tuple[int, ResolvedRule]]:
        """The rules with their numbers, as they were written."""
        numbers = range(len(self.rules)) if self.order is None else self.order
        return ((number, self.rules[number]) for number in numbers)

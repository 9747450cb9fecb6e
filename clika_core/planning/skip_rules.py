"""Skip rules on a graph: which layers each rule reaches, and which value wins on each layer.

Rules commute (spec: semantics, section 3). (a) On each layer the most specific rule that sets a field decides it.
(b) Ranges (`until`, `downstream`) only unite. Whether a range holds against an explicit False is decided later.
"""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.planning.field_winners import BIT_FIELDS, FIELDS, FieldWinner
from clika_core.planning.resolved_rule import ResolvedRule, RulesHere
from clika_core.planning.rule_book import RuleBook
from clika_core.planning.rule_errors import RuleError
from clika_core.planning.rule_reach import RuleReach
from clika_core.planning.selectors import SelectorIndex
from clika_core.settings.model import LayerRule

__all__ = [
    "BIT_FIELDS",
    "FIELDS",
    "FieldWinner",
    "ResolvedRule",
    "RuleReach",
    "RulesHere",
    "examine",
]


def examine(rules: Iterable[LayerRule], index: SelectorIndex) -> tuple[RuleReach, list[RuleError]]:
    """Resolve `rules` as far as they can be used, and everything that is wrong with them; never raises.

    What matches nothing, or has more than one meaning, is left out; of two rules that contradict each other
    the first one holds.
    """
    book = RuleBook(index)
    problems = book.fill(rules)
    return book.reach(), problems

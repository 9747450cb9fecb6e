"""The rules in force on one graph, resolved; one that changes is taken out and put in again, the others stay."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from clika_core.planning.decision import Cause
from clika_core.planning.field_winners import FIELDS, FieldWinners
from clika_core.planning.ranges import RuleCauses, causes_of
from clika_core.planning.resolved_rule import Resolution, ResolvedRule, RulesHere, resolve
from clika_core.planning.rule_errors import RuleError
from clika_core.planning.rule_reach import RuleReach
from clika_core.planning.selectors import SelectorIndex
from clika_core.settings.model import LayerRule


class RuleBook:
    """The rules in force on one graph. Changing one looks at no layer but those it reaches, before and after."""

    def __init__(self, index: SelectorIndex) -> None:
        """No rule yet."""
        self._index = index
        self._resolutions: dict[str, Resolution] = {}  # by selector, as the rules were written
        self._given: dict[str, LayerRule] = {}
        self._rules: list[ResolvedRule] = []
        self._numbers: dict[str, int] = {}
        self._free: list[int] = []
        self._causes: dict[int, RulesHere] = {}
        self._fields = {name: FieldWinners(name, index.graph) for name in FIELDS}

    def fill(self, rules: Iterable[LayerRule]) -> list[RuleError]:
        """Take in all rules of an empty book, and say what is wrong with them."""
        problems: list[RuleError] = []
        for rule in rules:
            problems += self._resolve(rule)
        numbered = list(enumerate(self._rules))
        causes = RuleCauses(self._index.graph, numbered)
        problems += causes.unreachable()
        self._causes = causes.by_layer()
        for winners in self._fields.values():
            problems += winners.add(numbered)
        return problems

    def change(self, rules: Sequence[LayerRule]) -> tuple[set[int], list[RuleError]]:
        """Become the book of `rules`: the layers concerned, and what is wrong; with an error the book is spoilt."""
        wanted = {rule.selector: rule for rule in rules}
        gone = [rule for rule in self._given.values() if not _is_same(rule, wanted.get(rule.selector))]
        new = [rule for rule in rules if not _is_same(rule, self._given.get(rule.selector))]
        touched: set[int] = set()
        problems: list[RuleError] = []
        for rule in gone:
            touched |= self._remove(rule, problems)
        for rule in new:
            problems += self._resolve(rule)
            touched |= self._add(rule, problems)
        self._resolutions = {selector: self._resolutions[selector] for selector in wanted}
        return touched, problems

    def num_changes(self, rules: Sequence[LayerRule]) -> int:
        """How many rules `change` would take away and add."""
        kept = sum(_is_same(rule, self._given.get(rule.selector)) for rule in rules)
        return len(self._given) + len(rules) - 2 * kept

    def reach(self) -> RuleReach:
        """What the rules reach, until the book changes."""
        numbers = [self._numbers[selector] for selector in self._resolutions if selector in self._numbers]
        return RuleReach(
            self._rules,
            self._causes,
            {name: winners.winners for name, winners in self._fields.items()},
            [found for resolution in self._resolutions.values() for found in resolution.diagnostics],
            numbers,
        )

    def _resolve(self, rule: LayerRule) -> Sequence[RuleError]:
        """Give the rule a number, where it is not dropped."""
        resolution = resolve(rule, self._index)
        self._given[rule.selector] = rule
        self._resolutions[rule.selector] = resolution
        if resolution.rule is not None:
            number = self._free.pop() if self._free else len(self._rules)
            self._rules[number : number + 1] = [resolution.rule]
            self._numbers[rule.selector] = number
        return resolution.problems

    def _add(self, rule: LayerRule, problems: list[RuleError]) -> set[int]:
        number = self._numbers.get(rule.selector)
        if number is None:
            return set()
        resolved = self._rules[number]
        for winners in self._fields.values():
            problems += winners.add([(number, resolved)])
        if not resolved.is_skipping:
            return set(resolved.matches)
        causes, unreached = causes_of(self._index.graph, resolved)
        problems += unreached
        self._replace(causes, lambda before, cause: (*before, (number, cause)))
        return causes.keys() | resolved.matches.keys()

    def _remove(self, rule: LayerRule, problems: list[RuleError]) -> set[int]:
        del self._given[rule.selector], self._resolutions[rule.selector]
        number = self._numbers.pop(rule.selector, None)
        if number is None:
            return set()
        self._free.append(number)
        resolved = self._rules[number]
        for winners in self._fields.values():
            problems += winners.remove(number, resolved.matches)
        if not resolved.is_skipping:
            return set(resolved.matches)
        causes, _ = causes_of(self._index.graph, resolved)
        self._replace(causes, lambda before, _: tuple([pair for pair in before if pair[0] != number]))
        return causes.keys() | resolved.matches.keys()

    def _replace(self, causes: Mapping[int, Cause], changed: Callable[[RulesHere, Cause], RulesHere]) -> None:
        """Change what rules say of each layer with one of `causes`; layers that shared it share it still."""
        here, shared, kept_alive = self._causes, dict[tuple[int, int], RulesHere](), []
        before = cause = None
        after = nothing = _NOTHING
        for position, given in causes.items():
            found = here.get(position, nothing)
            if found is not before or given is not cause:  # most layers have the same as the one before
                before, cause, key = found, given, (id(found), id(given))
                if key not in shared:
                    shared[key] = changed(found, given)
                    kept_alive.append(found)  # an id passes on to others when its object is gone
                after = shared[key]
            if after:
                here[position] = after
            else:
                del here[position]


_NOTHING: RulesHere = ()


def _is_same(rule: LayerRule, other: LayerRule | None) -> bool:
    return other is not None and (rule is other or (rule == other and rule.location == other.location))

"""A rule on a graph: the layers its selector and its `until` entries match."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TypeAlias

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.errors import SettingsError
from clika_core.frozen import frozen
from clika_core.planning.decision import Cause, CauseKind, How
from clika_core.planning.rule_errors import RuleError, unclear, unknown
from clika_core.planning.selectors import Matches, SelectorIndex
from clika_core.settings.model import LayerRule

RulesHere: TypeAlias = Sequence[
    tuple[int, Cause]
]  # the rules that reach a layer, by number, with their causes


@frozen(slots=False)
class ResolvedRule:
    """A rule with the layers its selector matches and, per `until` entry, the layers that entry matches."""

    rule: LayerRule
    matches: Matches
    until: tuple[tuple[str, Matches], ...] = ()

    @property
    def is_skipping(self) -> bool:
        """Whether the rule is a cause for layers to stay float."""
        return bool(self.rule.settings.skip_quantization)

    @property
    def is_downstream(self) -> bool:
        """Whether it is one for all that can be reached from the selected layers too."""
        return bool(self.rule.settings.skip_quantization_downstream)

    @cached_property
    def targets(self) -> frozenset[int]:
        """The layers that any `until` entry matches."""
        return frozenset(position for _, found in self.until for position in found)

    def cause(self, how: How, of: tuple[str, ...] = ()) -> Cause:
        """The cause this rule gives a layer."""
        return Cause(CauseKind.RULE, how, self.rule.selector, self.rule.location, of)


@frozen(slots=False)
class Resolution:
    """What became of a rule: None where it drops out; what is wrong with it, and what there is to say."""

    rule: ResolvedRule | None
    problems: Sequence[RuleError] = ()
    diagnostics: Sequence[Diagnostic] = ()


def resolve(rule: LayerRule, index: SelectorIndex) -> Resolution:
    """The rule on the index's graph. What matches nothing, or has more than one meaning, is left out."""
    entries = rule.settings.skip_quantization_until or ()
    problems: list[RuleError] = []
    read: dict[str, Matches] = {}
    for selector in dict.fromkeys((rule.selector, *entries)):
        try:
            read[selector] = index.match(selector)
        except SettingsError as problem:
            problems.append(unclear(rule, selector, problem))
    if rule.selector not in read:
        return Resolution(None, problems)
    matches = read[rule.selector]
    kept = tuple((entry, read[entry]) for entry in entries if read.get(entry))
    unmatched = [] if matches else [rule.selector]
    unmatched += [entry for entry in entries if entry in read and not read[entry]]
    errors = [] if rule.settings.on_unmatched == "ignore" else [unknown(rule, s, index) for s in unmatched]
    is_error = rule.settings.on_unmatched == "error"
    return Resolution(
        ResolvedRule(rule, matches, kept) if matches and (kept or not entries) else None,
        [*problems, *(errors if is_error else ())],
        [] if is_error else [_warning(error) for error in errors],
    )


def _warning(error: RuleError) -> Diagnostic:
    return Diagnostic(
        "unmatched-selector",
        Severity.WARNING,
        error.message,
        error.location,
        (error.selector,),
        error.fix,
    )

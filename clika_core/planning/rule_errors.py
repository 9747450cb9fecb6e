"""What is wrong with rules, in the user's words."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from clika_core.errors import Location, SettingsError
from clika_core.planning.selectors import SelectorIndex
from clika_core.settings.model import LayerRule

LISTED: Final = 20
"""Problems that one error spells out: who has more has another graph, or other settings, in mind."""


class RuleProblem(StrEnum):
    """What can be wrong with a rule on a graph."""

    UNKNOWN = "unknown"  # a selector or an `until` entry matches nothing
    UNCLEAR = "unclear"  # it has two readings, or is no regular expression
    UPSTREAM = "upstream"  # an `until` entry lies before the selected layers
    OTHER_BRANCH = "other-branch"  # an `until` entry lies neither before nor after them
    CONFLICT = "conflict"  # two equally specific rules want different values


class RuleError(SettingsError):
    """One rule that cannot be used as it stands.

    `selector` is the selector or `until` entry at fault; `other` the rule that a conflict is with; `nearest`
    are selectors that may have been meant; `layer` is a layer on which a conflict shows.
    """

    def __init__(
        self,
        kind: RuleProblem,
        rule: LayerRule,
        selector: str,
        message: str,
        *,
        found: str | None = None,
        expected: str | None = None,
        fix: str | None = None,
        location: Location | None = None,
        other: LayerRule | None = None,
        nearest: Sequence[str] = (),
        layer: str | None = None,
    ) -> None:
        """Keep the parts beside those of every error."""
        super().__init__(message, found=found, expected=expected, fix=fix, location=location)
        self.kind, self.rule, self.selector = kind, rule, selector
        self.other, self.nearest, self.layer = other, tuple(nearest), layer


def unknown(rule: LayerRule, selector: str, index: SelectorIndex) -> RuleError:
    """A selector, or an `until` entry, that matches no layer."""
    close = index.suggestions(selector)
    in_rule = "" if selector == rule.selector else f" (skip_quantization_until of rule {rule.selector!r})"
    return RuleError(
        RuleProblem.UNKNOWN,
        rule,
        selector,
        f"no layer matches {selector!r}{in_rule}",
        expected="a layer's name, alias or path, a glob, or op:<type>",
        fix=f"did you mean {' or '.join(map(repr, close))}?" if close else "see the names with `clika plan`",
        location=_place(rule, selector),
        nearest=close,
    )


def unclear(rule: LayerRule, selector: str, problem: SettingsError) -> RuleError:
    """A selector, or an `until` entry, that cannot be read; `problem` says why."""
    return RuleError(
        RuleProblem.UNCLEAR,
        rule,
        selector,
        problem.message,
        found=problem.found,
        expected=problem.expected,
        fix=problem.fix,
        location=problem.location or _place(rule, selector),
    )


def unreachable(rule: LayerRule, entry: str, is_upstream: bool) -> RuleError:
    """An `until` entry that no selected layer reaches."""
    if is_upstream:
        kind = RuleProblem.UPSTREAM
        found, fix = (
            f"{entry!r} lies upstream of {rule.selector!r}",
            f"swap them: rule {entry!r} until [{rule.selector!r}]",
        )
    else:
        kind = RuleProblem.OTHER_BRANCH
        found, fix = f"{entry!r} lies on another branch", "name a layer that depends on the selected one"
    return RuleError(
        kind,
        rule,
        entry,
        f"rule {rule.selector!r} cannot reach {entry!r}",
        found=found,
        expected="a target downstream of the selected layers",
        fix=fix,
        location=_place(rule, entry),
    )


def conflict(field: str, first: LayerRule, second: LayerRule, layer: str) -> RuleError:
    """Two equally specific rules that want different values on one layer."""
    values = [getattr(rule.settings, field) for rule in (first, second)]
    places = [f" ({rule.location})" if rule.location else "" for rule in (first, second)]
    return RuleError(
        RuleProblem.CONFLICT,
        second,
        second.selector,
        f"rules {first.selector!r}{places[0]} and {second.selector!r}{places[1]} contradict each other on {layer!r}",
        found=f"{field}: {values[0]} and {values[1]}, equally specific",
        expected="one value, or one rule more specific than the other",
        fix=f"name the layer itself: 'name:{layer}'",
        location=second.location,
        other=first,
        layer=layer,
    )


def raise_all(problems: Sequence[SettingsError]) -> None:
    """Raise what was collected: the problem itself if it is one, else one error that lists them all."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        listed = [str(problem) for problem in problems[:LISTED]]
        left = len(problems) - len(listed)
        more = [f"... and {left} more: see them with `clika lint`"] if left else []
        raise SettingsError("\n".join([f"{len(problems)} rules cannot be used", *listed, *more]))


def _place(rule: LayerRule, selector: str) -> Location | None:
    """Where the selector or the `until` entry stands."""
    until = rule.settings.skip_quantization_until or ()
    if selector != rule.selector and selector in until:
        key = f"skip_quantization_until[{list(until).index(selector)}]"
        return (
            rule.field_locations.get(key)
            or rule.field_locations.get("skip_quantization_until")
            or rule.location
        )
    return rule.location

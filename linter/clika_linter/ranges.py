"""The ranges of rules: the layers of `skip_quantization_until` and `skip_quantization_downstream`."""

from __future__ import annotations

from clika_core.planning.decision import How
from clika_core.planning.skip_rules import ResolvedRule, RuleReach


def has_range(rule: ResolvedRule) -> bool:
    """Whether the rule skips more than the layers it selects."""
    return bool(rule.until) or rule.rule.settings.skip_quantization_downstream is True


def ranges_by_layer(reach: RuleReach) -> dict[int, int]:
    """For each layer by position, the rules whose range holds it: one bit per rule number.

    A selected layer that leads to no `until` target is skipped, but lies in no range.
    """
    ranged = [has_range(rule) for rule in reach.rules]
    open_ended = [not rule.until for rule in reach.rules]
    found: dict[int, int] = {}
    for position, causes in reach.causes.items():
        for number, cause in causes:
            if ranged[number] and (cause.how is not How.SELECTED or open_ended[number] or cause.of):
                found[position] = found.get(position, 0) | 1 << number
    return found

"""Settings and rules with a part taken away, for plans to compare with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from clika_core.planning.decision import Cause, CauseKind, How
from clika_core.planning.skip_rules import FieldWinner, ResolvedRule, RuleReach, RulesHere
from clika_core.settings.model import Settings


def sections_with_tail(settings: Settings, skip_tail: bool | Sequence[str]) -> Settings:
    """The sections of `settings` with another `skip_tail_quantization`; no rules: `decide` takes a reach."""
    found = Settings()
    found.deployment_settings = settings.deployment_settings
    given = settings.global_quantization_settings
    for key in given.keys:
        found.global_quantization_settings.assign(key, getattr(given, key), None)
    found.global_quantization_settings.assign("skip_tail_quantization", skip_tail, None)
    return found


def reach_without(reach: RuleReach, numbers: Collection[int]) -> RuleReach:
    """What the other rules reach. Rule numbers stay as they are; the diagnostics are left out."""
    causes: dict[int, RulesHere] = {}
    for position, found in reach.causes.items():
        kept = [pair for pair in found if pair[0] not in numbers]
        if kept:
            causes[position] = found if len(kept) == len(found) else kept
    candidates = [(number, rule) for number, rule in enumerate(reach.rules) if number not in numbers]
    fields = {name: _winners(name, winners, candidates, numbers) for name, winners in reach.fields.items()}
    return RuleReach(reach.rules, causes, fields, order=[number for number, _ in candidates])


def reach_with_skips(reach: RuleReach, positions: Iterable[int]) -> RuleReach:
    """What the rules reach if a further one, which sets nothing else, skipped the layers at `positions`."""
    cause = (len(reach.rules), Cause(CauseKind.RULE, How.SELECTED))
    causes: dict[int, RulesHere] = dict(reach.causes)
    for position in positions:
        causes[position] = (*causes.get(position, ()), cause)
    return RuleReach(reach.rules, causes, reach.fields)


def _winners(
    name: str,
    winners: Mapping[int, FieldWinner],
    candidates: list[tuple[int, ResolvedRule]],
    numbers: Collection[int],
) -> dict[int, FieldWinner]:
    """The winners of a field without some rules: where one of those won, the most specific of the others."""
    found = {position: winner for position, winner in winners.items() if winner.rule not in numbers}
    open_positions = winners.keys() - found.keys()
    best: dict[int, int] = {}
    for number, rule in candidates if open_positions else ():
        value = getattr(rule.rule.settings, name)
        for position in () if value is None else open_positions & rule.matches.keys():
            if rule.matches[position] > best.get(position, -1):
                best[position] = rule.matches[position]
                found[position] = FieldWinner(value, number, None, settles=False)
    return found

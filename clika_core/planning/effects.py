"""Rules without effect: rules without which every decision would be the same."""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.planning.decision import Decision, Precision
from clika_core.planning.own_causes import OwnCauses
from clika_core.planning.skip_rules import BIT_FIELDS, ResolvedRule, RuleReach
from clika_core.planning.wiring import Wiring


def rules_without_effect(
    wiring: Wiring, reach: RuleReach, own: OwnCauses, decisions: Sequence[Decision]
) -> Sequence[Diagnostic]:
    """One finding per rule that is no cause, overrides nothing, sets no bits that matter and settles nothing."""
    effective = (
        _causing(wiring, reach)
        | _overriding(wiring, reach, own)
        | _setting_bits(wiring, reach, own, decisions)
        | _settling(reach)
    )
    return [_finding(wiring, rule) for number, rule in enumerate(reach.rules) if number not in effective]


def _causing(wiring: Wiring, reach: RuleReach) -> set[int]:
    """Rules that are a cause, or an overridden cause, of a layer that stays."""
    nodes = wiring.graph.nodes
    return {
        number
        for position, causes in reach.causes.items()
        if nodes[position].name not in wiring.removed
        for number, _ in causes
    }


def _overriding(wiring: Wiring, reach: RuleReach, own: OwnCauses) -> set[int]:
    """Rules with False that take a cause away, which no less specific False would take away too."""
    nodes = wiring.graph.nodes
    return {
        winner.rule
        for position, winner in reach.fields["skip_quantization"].items()
        if winner.value is False and winner.without is not False and own.overridden.get(nodes[position].name)
    }


def _setting_bits(
    wiring: Wiring, reach: RuleReach, own: OwnCauses, decisions: Sequence[Decision]
) -> set[int]:
    """Rules that change the bits of a quantized layer, or whether the target has a kernel of those bits."""
    quantized = {d.name for d in decisions if d.precision is Precision.QUANTIZED}
    found: set[int] = set()
    for order, name in enumerate(BIT_FIELDS):
        for position, winner in reach.fields[name].items():
            layer = wiring.graph.nodes[position].name
            value = own.default_bits[order] if winner.without is None else int(winner.without)
            if layer in wiring.removed or winner.value == value:
                continue
            bits = own.bits[layer]
            without = (value, bits[1]) if order == 0 else (bits[0], value)
            if layer in quantized or own.support(layer, without) != own.support(layer, bits):
                found.add(winner.rule)
    return found


def _settling(reach: RuleReach) -> set[int]:
    """Rules without which two less specific ones would contradict each other."""
    return {winner.rule for field in reach.fields.values() for winner in field.values() if winner.settles}


def _finding(wiring: Wiring, rule: ResolvedRule) -> Diagnostic:
    hosts = sorted(
        {wiring.removed.get(wiring.graph.nodes[position].name) or "" for position in rule.matches} - {""}
    )
    removed = all(wiring.graph.nodes[position].name in wiring.removed for position in rule.matches)
    reason = (
        "it selects only layers that preprocessing removes"
        if removed
        else "the decisions are the same without it"
    )
    return Diagnostic(
        "rule-without-effect",
        Severity.WARNING,
        f"rule {rule.rule.selector!r} has no effect: {reason}",
        rule.rule.location,
        (rule.rule.selector,),
        f"name {', '.join(hosts)} instead" if removed and hosts else "remove the rule",
    )

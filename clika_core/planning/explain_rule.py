"""What a rule covers, what it alone covers, and what it costs: the plan beside the plan without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clika_core.errors import Location, SettingsError, nearest
from clika_core.frozen import frozen, replace
from clika_core.ir.costs import multiply_accumulates, weight_bytes
from clika_core.planning.decision import Decision, How, Precision
from clika_core.planning.field_winners import BIT_FIELDS
from clika_core.planning.plan import Plan
from clika_core.planning.planner import Measured, Planner
from clika_core.planning.resolved_rule import resolve
from clika_core.planning.variants import without_rule
from clika_core.settings.model import LayerRule, Settings


@frozen
class RuleExplanation:
    """One rule on one graph.

    `selected` and `reached` are the layers it names and those in its range; `only_float`, `only_quantized` and
    `other_bits` the layers that would be otherwise without it, and the costs are theirs. `is_needed`: without it
    other rules contradict each other, so that there is no plan to compare with.
    """

    selector: str
    location: Location | None
    skips: bool | None
    until: tuple[str, ...]
    is_downstream: bool
    bits: Mapping[str, int]
    selected: tuple[str, ...]
    reached: tuple[str, ...]
    is_needed: bool = False
    only_float: tuple[str, ...] = ()
    only_quantized: tuple[str, ...] = ()
    other_bits: tuple[str, ...] = ()
    weight_bytes: int = 0
    multiply_accumulates: int = 0
    share_of_multiply_accumulates: float = 0.0
    borders: int = 0

    def sentences(self) -> list[str]:
        """The explanation, a sentence per line."""
        from clika_core.planning.sentences import about_rule

        return about_rule(self)

    def to_json(self) -> dict[str, Any]:
        """The form of `clika explain --format json`."""
        return {
            "rule": self.selector,
            "location": self.location.to_json() if self.location else None,
            "skip_quantization": self.skips,
            "skip_quantization_until": list(self.until),
            "skip_quantization_downstream": self.is_downstream,
            **{name: self.bits.get(name) for name in BIT_FIELDS},
            "selected": list(self.selected),
            "reached": list(self.reached),
            "is_needed": self.is_needed,
            "alone": {
                "float": list(self.only_float),
                "quantized": list(self.only_quantized),
                "other_bits": list(self.other_bits),
                "weight_bytes": self.weight_bytes,
                "multiply_accumulates": self.multiply_accumulates,
                "borders": self.borders,
            },
            "sentences": self.sentences(),
        }


def explain_rule(
    planner: Planner, settings: Settings, selector: str, sensitivity: Measured | None = None
) -> RuleExplanation:
    """Explain the rule of that selector. Raises SettingsError where there is none, or where rules cannot be used."""
    rule = rule_of(settings, selector)
    plan = planner.plan(settings, sensitivity)
    covered = _covered(planner, plan, rule)
    try:
        other = planner.plan(without_rule(settings, selector), sensitivity)
    except SettingsError:
        return replace(covered, is_needed=True)
    pairs = [(found, other[found.name]) for found in plan.decisions]
    changes = [(a, b) for a, b in pairs if _verdict(a) != _verdict(b)]
    only_float = tuple(a.name for a, _ in changes if a.precision is Precision.FLOAT)
    nodes = [planner.graph[name] for name in only_float]
    cost = sum(map(multiply_accumulates, nodes))
    total = sum(map(multiply_accumulates, planner.graph.layers))
    return replace(
        covered,
        only_float=only_float,
        only_quantized=tuple(a.name for a, b in changes if b.precision is Precision.FLOAT),
        other_bits=tuple(a.name for a, b in changes if a.precision is b.precision is Precision.QUANTIZED),
        weight_bytes=sum(map(weight_bytes, nodes)),
        multiply_accumulates=cost,
        share_of_multiply_accumulates=cost / total if total else 0.0,
        borders=len(plan.borders) - len(other.borders),
    )


def rule_of(settings: Settings, selector: str) -> LayerRule:
    """The rule of that selector. Raises SettingsError with the nearest selectors."""
    rules = {rule.selector: rule for rule in settings.rules}
    if selector not in rules:
        close = nearest(selector, list(rules))
        raise SettingsError(
            f"the settings have no rule {selector!r}",
            expected=", ".join(rules) or "a settings file with rules: -s SETTINGS",
            fix=f"did you mean {' or '.join(map(repr, close))}?" if close else None,
        )
    return rules[selector]


def _covered(planner: Planner, plan: Plan, rule: LayerRule) -> RuleExplanation:
    """What the rule says, and of which layers."""
    nodes = planner.graph.nodes
    resolved = resolve(rule, planner.index).rule
    selected = tuple(nodes[position].name for position in sorted(resolved.matches)) if resolved else ()
    reached = tuple(
        decision.name
        for decision in plan.decisions
        if any(
            cause.selector == rule.selector and cause.how in (How.UNTIL, How.DOWNSTREAM)
            for cause in (*decision.causes, *decision.overridden)
        )
    )
    given = rule.settings
    bits = {name: getattr(given, name) for name in BIT_FIELDS if getattr(given, name) is not None}
    return RuleExplanation(
        rule.selector,
        rule.location,
        given.skip_quantization,
        tuple(given.skip_quantization_until or ()),
        bool(given.skip_quantization_downstream),
        bits,
        selected,
        reached,
    )


def _verdict(decision: Decision) -> tuple[Precision, int, int]:
    """What the quantized model depends on; bits only where they are used."""
    if decision.precision is not Precision.QUANTIZED:
        return decision.precision, 0, 0
    return decision.precision, decision.weights_num_bits, decision.activations_num_bits

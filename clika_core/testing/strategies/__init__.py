"""Hypothesis strategies: graphs, rules valid for them, rules that never are, and the same said differently.

Needs `hypothesis`; nothing else of the package imports this one.

    @given(scenarios())
    def test_a_law(scenario: Scenario) -> None:
        plan = make_plan(scenario.graph, scenario.settings(), ORT)

Examples shrink towards a chain of `relu` without rules.
"""

from __future__ import annotations

from clika_core.testing.strategies.broken_rules import broken_rules
from clika_core.testing.strategies.graphs import graphs
from clika_core.testing.strategies.kinds import LAYER_KINDS, LayerKind
from clika_core.testing.strategies.orders import disjoint_union, relabelings, renamed, renamings, reorderings
from clika_core.testing.strategies.rules import names_only, rule_sets, selectors, skipping_rules
from clika_core.testing.strategies.scenarios import Scenario, scenarios
from clika_core.testing.strategies.targets import LAB, targets

__all__ = [
    "LAB",
    "LAYER_KINDS",
    "LayerKind",
    "Scenario",
    "broken_rules",
    "disjoint_union",
    "graphs",
    "names_only",
    "relabelings",
    "renamed",
    "renamings",
    "reorderings",
    "rule_sets",
    "scenarios",
    "selectors",
    "skipping_rules",
    "targets",
]

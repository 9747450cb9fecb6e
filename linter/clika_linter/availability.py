"""Whether what a rule needs is there, and what to say where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clika_linter.context import Context
from clika_linter.rule import Need

_BASES: Final = {
    Need.LAYER_RULES: (Need.SETTINGS,),
    Need.PLAN: (Need.SETTINGS, Need.GRAPH),
    Need.REPORT: (Need.GRAPH,),
}
_ORDER: Final = (
    Need.DOCUMENT,
    Need.SETTINGS,
    Need.LAYER_RULES,
    Need.GRAPH,
    Need.PLAN,
    Need.REPORT,
    Need.REFERENCE,
)


def missing(needs: Sequence[Need], context: Context) -> Need | None:
    """The need that is not met, the most basic one: settings before their rules, the graph before the plan."""
    basic = dict.fromkeys(base for need in needs for base in (*_BASES.get(need, ()), need))
    return next((need for need in _ORDER if need in basic and not _is_met(need, context)), None)


def _is_met(need: Need, context: Context) -> bool:
    if need is Need.PLAN:
        return context.target_error is None
    if need is Need.LAYER_RULES:
        return bool(context.settings.rules)
    met = {
        Need.DOCUMENT: True,
        Need.SETTINGS: context.document.root is not None,
        Need.GRAPH: context.has_graph,
        Need.REPORT: context.has_report,
        Need.REFERENCE: context.raw_reference is not None,
    }
    return met[need]

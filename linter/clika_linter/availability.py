"""Whether what a rule needs is there, and what to say where it is not."""

from __future__ import annotations

from collections.abc import Sequence

from clika_linter.context import Context
from clika_linter.rule import Need


def missing(needs: Sequence[Need], context: Context) -> Need | None:
    """The first need that is not met."""
    return next((need for need in needs if not _is_met(need, context)), None)


def _is_met(need: Need, context: Context) -> bool:
    is_readable = context.document.root is not None
    if need is Need.PLAN:
        return is_readable and context.has_graph and context.target_error is None
    met = {
        Need.DOCUMENT: True,
        Need.SETTINGS: is_readable,
        Need.LAYER_RULES: is_readable and bool(context.settings.rules),
        Need.GRAPH: context.has_graph,
        Need.REPORT: context.has_report,
        Need.REFERENCE: context.raw_reference is not None,
    }
    return met[need]

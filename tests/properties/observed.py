"""A plan as properties compare it: without what is free to differ, such as places in files and wording."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from clika_core.planning.decision import Cause, CauseKind, Decision, Precision
from clika_core.planning.plan import Plan, make_plan
from clika_core.testing.strategies import Scenario

_FREE_WORDING = (CauseKind.UNSUPPORTED, CauseKind.INHERITED, CauseKind.SENSITIVITY)


@dataclass(frozen=True, slots=True)
class Seen:
    """One decision; `bits` are None where no kernel of that width is chosen."""

    precision: Precision
    causes: frozenset[Cause]
    overridden: frozenset[Cause]
    bits: tuple[int, int] | None


def plan_of(scenario: Scenario) -> Plan:
    """The engine's answer to the scenario."""
    return make_plan(scenario.graph, scenario.settings(), scenario.target, sensitivity=scenario.sensitivity)


def seen(decision: Decision, *, with_wording: bool = False) -> Seen:
    """What must agree of one decision."""
    is_quantized = decision.precision is Precision.QUANTIZED
    bits = (decision.weights_num_bits, decision.activations_num_bits) if is_quantized else None
    causes, overridden = (_plain(some, with_wording) for some in (decision.causes, decision.overridden))
    return Seen(decision.precision, causes, overridden, bits)


def seen_of(plan: Plan, *, with_wording: bool = False) -> dict[str, Seen]:
    """What must agree of every decision, by layer; with the wording of reasons where one engine is asked twice."""
    return {decision.name: seen(decision, with_wording=with_wording) for decision in plan.decisions}


def _plain(causes: Iterable[Cause], with_wording: bool) -> frozenset[Cause]:
    """Causes without places, and without what they name where its wording is free."""
    return frozenset(
        replace(
            cause,
            location=None,
            of=cause.of if with_wording or cause.kind not in _FREE_WORDING else (),
        )
        for cause in causes
    )


def floats_of(plan: Plan) -> set[str]:
    """The names of the float layers."""
    return {decision.name for decision in plan.decisions if decision.precision is Precision.FLOAT}

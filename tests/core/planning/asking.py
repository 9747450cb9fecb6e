"""A question to planning in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from clika_core.ir.graph import Graph
from clika_core.planning.decision import Cause, Decision
from clika_core.planning.plan import Plan, make_plan
from clika_core.settings.model import LayerQuantizationSettings, Settings
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target

Rules: TypeAlias = Mapping[str, LayerQuantizationSettings]


def skip(
    until: Sequence[str] | None = None, *, downstream: bool = False, on_unmatched: str = "error"
) -> LayerQuantizationSettings:
    """`skip_quantization=True`, with a range where one is given."""
    return LayerQuantizationSettings(
        skip_quantization=True,
        skip_quantization_until=list(until) if until is not None else None,
        skip_quantization_downstream=downstream or None,
        on_unmatched=on_unmatched,
    )


def keep() -> LayerQuantizationSettings:
    """`skip_quantization=False`: quantize in spite of tail, rules and sensitivity."""
    return LayerQuantizationSettings(skip_quantization=False)


def bits(weights: int | None = None, activations: int | None = None) -> LayerQuantizationSettings:
    """Bits and nothing else."""
    return LayerQuantizationSettings(weights_num_bits=weights, activations_num_bits=activations)


def settings_of(
    rules: Rules | None = None, *, tail: bool | Sequence[str] | None = False, threshold: float | None = None
) -> Settings:
    """Settings with these rules; no tail is skipped unless asked for."""
    settings = Settings()
    settings.global_quantization_settings.skip_tail_quantization = tail
    settings.global_quantization_settings.quantization_sensitivity_threshold = threshold
    for selector, rule in (rules or {}).items():
        settings.set_quantization_settings_for_layer(selector, rule)
    return settings


def ask(
    graph: Graph,
    rules: Rules | None = None,
    *,
    tail: bool | Sequence[str] | None = False,
    target: Target = ORT,
    sensitivity: Mapping[str, float] | None = None,
    threshold: float | None = None,
) -> Plan:
    """The plan of `graph` under these rules."""
    return make_plan(graph, settings_of(rules, tail=tail, threshold=threshold), target, sensitivity)


def told(causes: Sequence[Cause]) -> list[str]:
    """Causes in short: `tail`, `rule selected`, `inherited`."""
    return [f"{cause.kind} {cause.how}" if cause.how else str(cause.kind) for cause in causes]


def kinds(decision: Decision) -> list[str]:
    """Why the layer is float, in short."""
    return told(decision.causes)


def findings(plan: Plan) -> list[tuple[str, tuple[str, ...]]]:
    """Code and selectors of each diagnostic."""
    return [(found.code, found.related) for found in plan.diagnostics]

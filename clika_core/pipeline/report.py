"""`clika_report.json`: what was decided, measured and shipped. Plain JSON; non-finite numbers are strings."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clika_core.deployment.code_agreement import CodeAgreement
from clika_core.ir.costs import multiply_accumulates, weight_bytes
from clika_core.ir.graph import Node
from clika_core.pipeline.environment import cpu_flags, versions
from clika_core.pipeline.evaluation import Evaluation
from clika_core.pipeline.quantization import Quantized
from clika_core.planning.decision import Decision
from clika_core.planning.plan import Plan
from clika_core.settings.model import Settings
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.visitor import Simulation

FORMAT = "clika-report"
VERSION = 1


@dataclass(frozen=True)
class Outcome:
    """What is known after deployment: scores by name, agreement by value, sizes in bytes, latencies in seconds.

    `metric` names what the scores are, where that is known: `top1` is a share of samples.
    """

    accuracy: Mapping[str, float | None] = field(default_factory=dict)
    metric: str | None = None
    agreement: Mapping[str, CodeAgreement] = field(default_factory=dict)
    end_to_end: Mapping[str, float] = field(default_factory=dict)
    sizes_bytes: Mapping[str, int] = field(default_factory=dict)
    latency_seconds: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    optimization_level: str | None = None
    evaluation: Evaluation | None = None


def report_json(quantized: Quantized, settings: Settings, outcome: Outcome, seed: int) -> dict[str, Any]:
    """The whole report as plain JSON values."""
    plan = quantized.plan
    return {
        "format": FORMAT,
        "version": VERSION,
        "graph": {
            "name": plan.graph.name,
            "backend": plan.graph.backend,
            "fingerprint": plan.graph.fingerprint,
        },
        "target": plan.target,
        "settings": settings.to_json(),
        "seed": seed,
        "versions": versions(),
        "cpu_flags": cpu_flags(),
        "layers": [_layer(quantized, plan.graph[decision.name], decision) for decision in plan.decisions],
        "borders": [border.to_json() for border in plan.borders],
        "diagnostics": [d.to_json() for d in (*plan.graph.diagnostics, *plan.diagnostics)],
        "calibration": {
            "batches": quantized.calibration.num_batches,
            "samples": quantized.calibration.num_samples,
        },
        "improvements": {
            name: {"layers": list(found.layers), "summary": found.summary, **found.details}
            for name, found in quantized.improvements.items()
        },
        "accuracy": dict(outcome.accuracy),
        "metric": outcome.metric,
        "evaluation": outcome.evaluation.to_json() if outcome.evaluation else None,
        "agreement": {
            "runtime_optimization_level": outcome.optimization_level,
            "end_to_end": dict(outcome.end_to_end),
            "layers": {name: _agreement(found) for name, found in outcome.agreement.items()},
        },
        "sizes_bytes": dict(outcome.sizes_bytes),
        "latency_seconds": dict(outcome.latency_seconds),
        "timings_seconds": dict(quantized.timings_seconds),
        "learning_rate": settings.training_settings.learning_rate,
        "notes": list(outcome.notes),
    }


def write_report(path: Path, report: Mapping[str, Any]) -> None:
    """Write the report's text."""
    path.write_text(report_text(report), encoding="utf-8")


def report_text(report: Mapping[str, Any]) -> str:
    """The report as indented JSON; NaN and infinities become the strings the spec names."""
    return json.dumps(finite(report), indent=1, allow_nan=False) + "\n"


def _layer(quantized: Quantized, node: Node, decision: Decision) -> dict[str, Any]:
    measured = quantized.measurements.get(node.name)
    return {
        "name": node.name,
        "type": node.type,
        "path": node.path,
        **decision.to_json(),
        **_values(quantized, node, decision),
        "multiply_accumulates": multiply_accumulates(node),
        "weight_bytes": weight_bytes(node),
        "qs": measured.qs if measured else None,
        "abs_l2": measured.abs_l2 if measured else None,
        "sqnr_db": measured.sqnr_db if measured else None,
    }


def _values(quantized: Quantized, node: Node, decision: Decision) -> dict[str, Any]:
    """What is known of the values at the end of the layer's group: calibration and parameters, by output port."""
    end = _end(quantized.plan, node, decision)
    first = quantized.calibration.observers.get((end.name, 0))
    chosen = quantized.parameters.activations.get((end.name, 0))
    return {
        "calibration": first.summary().to_json() if first else None,
        "share_of_codes_used": first.share_of_codes_used(chosen) if first and chosen else None,
        "quantization": quantization_json(
            quantized.plan, quantized.parameters, quantized.simulation, node, decision
        ),
    }


def quantization_json(
    plan: Plan, parameters: Parameters, simulation: Simulation, node: Node, decision: Decision
) -> dict[str, Any]:
    """Parameters of the values at the end of the layer's group, by output port, and of its weights, by role."""
    end = _end(plan, node, decision)
    ports = {port: parameters.activations.get((end.name, port)) for port in range(len(end.outputs))}
    weights = {role: found for (name, role), found in parameters.weights.items() if name == node.name}
    spec = simulation.specs.get(node.name)
    inner = spec.probabilities if spec else None
    return {
        "activations": {str(port): found.to_json() for port, found in ports.items() if found},
        "weights": {role: found.to_json() for role, found in weights.items()},
        **({"probabilities": inner.to_json()} if inner else {}),
        **(
            {"halves": [half.params.to_json() for half in spec.halves.values()]}
            if spec and spec.halves
            else {}
        ),
    }


def _end(plan: Plan, node: Node, decision: Decision) -> Node:
    group = plan.groups.get(decision.group or "")
    return plan.graph[group.end] if group else node


def _agreement(found: CodeAgreement) -> dict[str, Any]:
    return {
        "compared": found.compared,
        "different": found.different,
        "largest_difference": found.largest_difference,
        "share_equal": found.share_equal,
    }


def finite(value: Any) -> Any:
    """The value with every non-finite number as `"inf"`, `"-inf"` or `"nan"`."""
    if isinstance(value, float) and not math.isfinite(value):
        return "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value

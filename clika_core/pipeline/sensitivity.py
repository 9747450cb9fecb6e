"""`measure_sensitivity`: QS of every layer that the target can quantize, whatever rules say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clika_core.backend.dynamic_axes import DynamicAxes
from clika_core.ir.graph import Node
from clika_core.observers import DEFAULT_OBSERVER
from clika_core.pipeline import narration
from clika_core.pipeline.data import BATCH_SIZE
from clika_core.pipeline.improving import Preparation
from clika_core.pipeline.journal import Journal, Progress
from clika_core.pipeline.portions import portions
from clika_core.pipeline.quantization import Quantized, quantize_traced, unrestricted
from clika_core.pipeline.report import FORMAT, VERSION, finite
from clika_core.pipeline.user_model import traced_on
from clika_core.planning.plan import Plan
from clika_core.planning.wording import describe
from clika_core.plugins.planning import checked_settings
from clika_core.plugins.registry import find_target
from clika_core.sensitivity.in_the_model import cumulative, one_at_a_time
from clika_core.sensitivity.sums import Measurement
from clika_core.settings.model import Settings
from clika_core.targets.target import Target


@dataclass(frozen=True)
class SensitivityResult:
    """By layer: `layer` its own QS; `cumulative`, `task` where they were asked for. `plan` quantizes all it can."""

    plan: Plan
    observer: str
    batches: int
    samples: int
    layer: Mapping[str, Measurement]
    cumulative: Mapping[str, Measurement] = field(default_factory=dict)
    task: Mapping[str, Measurement] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """A report of QS alone, which `clika plan --sensitivity` reads; non-finite numbers are strings."""
        graph = self.plan.graph
        content: dict[str, Any] = finite(
            {
                "format": FORMAT,
                "version": VERSION,
                "graph": {"name": graph.name, "backend": graph.backend, "fingerprint": graph.fingerprint},
                "target": self.plan.target,
                "observer": self.observer,
                "calibration": {"batches": self.batches, "samples": self.samples},
                "layers": [self._layer(node) for node in graph.layers],
            }
        )
        return content

    def _layer(self, node: Node) -> dict[str, Any]:
        decision = self.plan[node.name]
        found = self.layer.get(node.name)
        return {
            "name": node.name,
            "type": node.type,
            "path": node.path,
            "group": decision.group,
            "qs": found.qs if found else None,
            "abs_l2": found.abs_l2 if found else None,
            "sqnr_db": found.sqnr_db if found else None,
            "qs_cumulative": _qs(self.cumulative, node.name),
            "qs_task": _qs(self.task, node.name),
            "not_measured": None if found else self.why_not(node.name),
        }

    def why_not(self, name: str) -> str:
        """Why a layer has no QS: it is removed, or the target cannot compute it in integers."""
        decision = self.plan[name]
        if not decision.causes:
            return f"folded into {decision.into}" if decision.into else "removed: it does nothing"
        return "; ".join(map(describe, decision.causes))


def measure_sensitivity(
    model: Any,
    *,
    calibration_data: Any,
    settings: Settings | None = None,
    example_inputs: Any = None,
    dynamic_axes: DynamicAxes | None = None,
    target: str | Target | None = None,
    batch_size: int = BATCH_SIZE,
    device: str | None = None,
    with_cumulative: bool = False,
    with_task: bool = False,
    progress: Progress | Journal | None = None,
) -> SensitivityResult:
    """Measure every layer that `target` can run quantized, as if no rule, tail or threshold applied.

    `calibration_data` is as `compress` takes it; as there, channels are equalized first. `with_cumulative` adds each
    layer's error in the fully quantized model; `with_task` the error of the model's outputs with that layer alone
    quantized, which takes one pass over the data for each group of layers.
    """
    settings = checked_settings(settings)
    journal = Journal.of(progress)
    chosen = find_target(target or settings.deployment_settings.target_framework)
    data = portions(calibration_data, None, settings, batch_size).calibration
    journal.step("trace")
    traced, notes = traced_on(data, model, example_inputs, device=device, dynamic_axes=dynamic_axes)
    for note in notes:
        journal.note(note)
    for line in narration.parsing_lines(traced.graph):
        journal.detail(line)
    prepare = Preparation.of(settings, data, journal)
    found = quantize_traced(traced, unrestricted(settings), chosen, data, journal, prepare=prepare)
    more: dict[str, Mapping[str, Measurement]] = {}
    measures = {"cumulative": (with_cumulative, cumulative), "task": (with_task, one_at_a_time)}
    for name, (is_wanted, measure) in measures.items():
        if is_wanted:
            journal.step(f"sensitivity, {name}")
            batches = journal.track(data.native(found.model), name, found.calibration.num_batches)
            more[name] = measure(found.model, found.simulation, found.plan.groups, batches)
    return _result(found, settings, more)


def _result(
    found: Quantized, settings: Settings, more: Mapping[str, Mapping[str, Measurement]]
) -> SensitivityResult:
    return SensitivityResult(
        found.plan,
        settings.global_quantization_settings.observer or DEFAULT_OBSERVER,
        found.calibration.num_batches,
        found.calibration.num_samples,
        found.measurements,
        **more,
    )


def _qs(found: Mapping[str, Measurement], name: str) -> float | None:
    return found[name].qs if name in found else None

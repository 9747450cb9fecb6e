"""`compress`: a model and data in, a quantized model, a deployed file, pictures and a report out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.deployment.requirements import require_onnx
from clika_core.pictures.write import write_pictures
from clika_core.pipeline.data import BATCH_SIZE, Batches
from clika_core.pipeline.notes import agreement_notes, plan_notes, settings_notes
from clika_core.pipeline.output_folder import output_folder
from clika_core.pipeline.quantization import Progress, Quantized, quantize_traced
from clika_core.pipeline.report import Outcome, report_json, write_report
from clika_core.pipeline.tracing import trace
from clika_core.planning.plan import Plan
from clika_core.plugins.planning import checked_settings
from clika_core.plugins.registry import find_target
from clika_core.settings.model import Settings
from clika_core.targets.target import Target

AGREEMENT_BATCHES = 2


@dataclass(frozen=True)
class CompressionResult:
    """`model` is native and trainable; `report` is what `clika_report.json` holds; `deployed_path` the file."""

    model: Any
    report: dict[str, Any]
    plan: Plan
    quantized: Quantized
    deployed_path: Path | None


def compress(
    model: Any,
    *,
    settings: Settings | None = None,
    calibration_data: Any,
    evaluation: Callable[[Any], float] | None = None,
    example_inputs: Any = None,
    target: str | Target | None = None,
    output_dir: str | Path | None = "outputs",
    overwrite: bool = False,
    batch_size: int = BATCH_SIZE,
    seed: int = 0,
    progress: Progress | None = None,
) -> CompressionResult:
    """Quantize `model` after training, deploy it, and write everything into `output_dir` (None: nothing).

    `calibration_data` is an array or a dict of arrays whose first axis is the sample, or an iterable of batches as
    the model takes them; its first `stats_steps` batches are used. `example_inputs` default to the first batch.
    `evaluation` takes a model as the user calls it and returns a score, higher is better; it is called with the
    float and with the quantized model.
    """
    require_onnx()
    settings = checked_settings(settings)
    chosen = find_target(target or settings.deployment_settings.target_framework)
    data = Batches(calibration_data, batch_size=batch_size, limit=settings.training_settings.stats_steps)
    say = progress or (lambda _: None)
    with output_folder(output_dir, overwrite=overwrite) if output_dir else nullcontext() as folder:
        notes = settings_notes(settings)
        say("trace")
        traced = trace(model, data.first() if example_inputs is None else example_inputs)
        quantized = quantize_traced(traced, settings, chosen, data, say)
        native = quantized.model.native(quantized.simulation.run)
        accuracy = {
            "float": evaluation(traced.native(_as_traced)) if evaluation else None,
            "quantized": evaluation(native) if evaluation else None,
        }
        say("deploy")
        outcome, save = _deploy(traced, quantized, data, accuracy)
        outcome = replace(outcome, notes=(*notes, *plan_notes(quantized.plan), *outcome.notes))
        for note in outcome.notes:
            say(f"note: {note}")
        report = report_json(quantized, settings, outcome, seed)
        path = None
        if folder is not None:
            path = Path(str(output_dir)) / save(folder).name
            write_results(folder, traced, quantized, report)
    return CompressionResult(native, report, quantized.plan, quantized, path)


def _as_traced(model: TracedModel, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The program of the float model: every layer as it was traced, so that the user's object stays untouched."""
    return model.interpret(inputs, lambda call: call.run())


def write_results(
    folder: Path, traced: TracedModel, quantized: Quantized, report: dict[str, Any]
) -> str | None:
    """Write snapshot, pictures and report; returns a note where a picture could not be drawn."""
    traced.graph.save(folder / "model.graph.json")
    written = write_pictures(folder, traced.graph, quantized.plan)
    if written.note:
        report["notes"].append(written.note)
    write_report(folder / "clika_report.json", report)
    return written.note


def _deploy(
    traced: TracedModel, quantized: Quantized, data: Batches, accuracy: dict[str, float | None]
) -> tuple[Outcome, Callable[[Path], Path]]:
    """Deploy and compare with the simulation on the first calibration batches."""
    from clika_core.pipeline import deployment

    deployed = deployment.deploy(quantized)
    batches = numpy_batches(traced, data, AGREEMENT_BATCHES)
    simulated = deployment.run_simulation(quantized, batches)
    shipped = deployment.run_deployed(deployed.quantized, batches)
    codes = deployment.agreement(quantized, deployed, batches)
    end_to_end = {
        "relative_l2_simulated_deployed": deployment.relative_distance(simulated, shipped),
        "relative_l2_deployed_float": deployment.relative_distance(
            shipped, deployment.run_float(traced, batches)
        ),
    }
    outcome = Outcome(
        accuracy=accuracy,
        agreement=codes,
        end_to_end=end_to_end,
        sizes_bytes=deployed.sizes_bytes(quantized),
        latency_seconds=deployment.latencies(deployed, [array[:1] for array in batches[0]]),
        notes=tuple(agreement_notes(codes, end_to_end)),
        optimization_level=deployment.OPTIMIZATION_LEVEL,
    )
    return outcome, deployed.save


def numpy_batches(model: TracedModel, data: Batches, limit: int) -> list[Sequence[NDArray[Any]]]:
    """The first batches as NumPy arrays beside the graph's inputs."""
    found: list[Sequence[NDArray[Any]]] = []
    for batch in data.native(model):
        if len(found) == limit:
            break
        found.append([np.asarray(model.arrays.to_numpy(array)) for array in batch])
    return found

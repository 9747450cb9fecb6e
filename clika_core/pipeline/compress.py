"""`compress`: a model and data in, a quantized model, a deployed file, pictures and a report out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.dynamic_axes import DynamicAxes
from clika_core.backend.interface import TracedModel
from clika_core.deployment.requirements import require_onnx
from clika_core.errors import MissingDependencyError
from clika_core.ir.graph import Graph
from clika_core.pictures.preprocessed import preprocessed_picture
from clika_core.pictures.write import PREPROCESSED, replace_file, write_pictures
from clika_core.pipeline import narration
from clika_core.pipeline.data import BATCH_SIZE, Batches
from clika_core.pipeline.evaluation import Evaluation, evaluate
from clika_core.pipeline.improving import quantize_after_training
from clika_core.pipeline.journal import Journal, Progress
from clika_core.pipeline.log_file import log_name, logged_to
from clika_core.pipeline.metrics import Metric
from clika_core.pipeline.notes import agreement_notes, plan_notes, score_notes, settings_notes
from clika_core.pipeline.output_folder import output_folder
from clika_core.pipeline.portions import Portions, portions
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.report import Outcome, report_json, write_report
from clika_core.pipeline.sizes import float_weight_bytes, quantized_weight_bytes
from clika_core.pipeline.summary import summary_lines
from clika_core.pipeline.user_code import iterate_as_theirs, told_as_theirs
from clika_core.pipeline.user_model import traced_on
from clika_core.planning.plan import Plan
from clika_core.plugins.planning import checked_settings
from clika_core.plugins.registry import find_target
from clika_core.report_page.page import PAGE, render_page
from clika_core.settings.model import Settings
from clika_core.targets.target import Target

AGREEMENT_BATCHES = 2
DEFAULT_SEED = 0


@dataclass(frozen=True)
class CompressionResult:
    """`model` is native and trainable; `report` is what `clika_report.json` holds; `deployed_path` the file.

    `evaluation` is None where no data was left for it; `summary` says the main figures in a few lines.
    """

    model: Any
    report: dict[str, Any]
    plan: Plan
    quantized: Quantized
    deployed_path: Path | None
    evaluation: Evaluation | None = None
    summary: tuple[str, ...] = ()


def compress(
    model: Any,
    *,
    settings: Settings | None = None,
    calibration_data: Any,
    evaluation: Callable[[Any], float] | None = None,
    evaluation_data: Any = None,
    metric: str | Metric | None = None,
    example_inputs: Any = None,
    dynamic_axes: DynamicAxes | None = None,
    target: str | Target | None = None,
    output_dir: str | Path | None = "outputs",
    overwrite: bool = False,
    batch_size: int = BATCH_SIZE,
    seed: int | None = None,
    device: str | None = None,
    progress: Progress | Journal | None = None,
) -> CompressionResult:
    """Quantize `model` after training, deploy it, and write everything into `output_dir` (None: nothing).

    `calibration_data` is an array or a dict of arrays whose first axis is the sample, or an iterable of batches as
    the model takes them; its first `stats_steps` batches are used. As a `Dataset`, with targets or without, it
    also gives the evaluation data: the batches that are left. `example_inputs` default to the first batch. An axis
    along which batches differ in size is free to change; `dynamic_axes` say so where data does not show it. A model
    in half precision is compressed in float32, where its backend can widen it.

    `evaluation_data`, a `Dataset` or an iterable of `(inputs, targets)`, is run through the float, the quantized
    and the deployed model; `metric` is "top1", a function of (outputs, targets), or an object with `update` and
    `compute`; None: top-1 where targets are classes, else the distance to the float model alone.
    `evaluation` takes a model as the user calls it and returns a score, higher is better; it is called with the
    float and with the quantized model.

    `seed`: else `training_settings.random_seed`, else 0. `device` is `auto`, `cpu`, `cuda` or `cuda:1`; None leaves
    the model where it is.
    """
    require_onnx()
    settings = checked_settings(settings)
    journal = Journal.of(progress)
    chosen = find_target(target or settings.deployment_settings.target_framework)
    _check_written(chosen)
    seed = _seed(seed, settings)
    with _results(output_dir, overwrite, journal) as folder:
        _tell(journal, (*narration.environment_lines(seed, device), *narration.settings_lines(settings)))
        notes = settings_notes(settings)
        data = portions(calibration_data, evaluation_data, settings, batch_size)
        journal.step("trace")

        def check(traced: TracedModel) -> None:
            _tell(journal, narration.parsing_lines(traced.graph))
            _check_written(chosen, traced.graph)

        traced, widening = traced_on(
            data.calibration, model, example_inputs, device=device, dynamic_axes=dynamic_axes, check=check
        )
        quantized = quantize_after_training(traced, settings, chosen, data.calibration, journal)
        _tell(journal, narration.plan_lines(quantized.plan))
        native = quantized.model.native(quantized.program)
        accuracy = _accuracy(evaluation, traced, native)
        journal.step("deploy" if chosen.has_file else "compare")
        make = _deploy if chosen.has_file else _simulate_only
        outcome, deployed = make(traced, quantized, data.calibration, accuracy)
        found = _evaluate(traced, quantized, deployed, data, metric, journal)
        outcome = _complete(outcome, found, (*notes, *widening, *plan_notes(quantized.plan), *data.notes))
        report = report_json(quantized, settings, outcome, seed)
        path = None
        if folder is not None:
            if deployed is not None:
                path = Path(str(output_dir)) / deployed.save(folder).name
            write_results(folder, traced, quantized, report)
        for note in report["notes"]:
            journal.note(note)
        summary = tuple(summary_lines(report, quantized.plan, quantized.measurements, found))
        _tell(journal, summary)
    return CompressionResult(native, report, quantized.plan, quantized, path, found, summary)


@contextmanager
def _results(path: str | Path | None, overwrite: bool, journal: Journal) -> Iterator[Path | None]:
    """The folder to write into, with the log of the run in it; None where nothing is written."""
    if path is None:
        yield None
        return
    with (
        output_folder(path, overwrite=overwrite) as folder,
        logged_to(folder / "logs" / log_name(), journal),
    ):
        yield folder


def _check_written(target: Target, graph: Graph | None = None) -> None:
    """Before any work is done: raise TargetError where nothing writes the target's files.

    Raises OutputError where they cannot hold `graph`.
    """
    from clika_core.pipeline import deployment

    if target.has_file:
        chosen = deployment.file_format(target)
        if graph is not None:
            chosen.check(graph)


def _seed(given: int | None, settings: Settings) -> int:
    from_settings = settings.training_settings.random_seed
    return next((seed for seed in (given, from_settings) if seed is not None), DEFAULT_SEED)


def _tell(journal: Journal, lines: Iterable[str]) -> None:
    for line in lines:
        journal.detail(line)


def _accuracy(
    evaluation: Callable[[Any], float] | None, traced: TracedModel, native: Any
) -> dict[str, float | None]:
    if evaluation is None:
        return {"float": None, "quantized": None}
    models = {"float": traced.native(_as_traced), "quantized": native}
    found: dict[str, float | None] = {}
    for name, model in models.items():
        with told_as_theirs("evaluation"):
            found[name] = evaluation(model)
    return found


def _evaluate(
    traced: TracedModel,
    quantized: Quantized,
    deployed: Any | None,
    data: Portions,
    metric: str | Metric | None,
    journal: Journal,
) -> Evaluation | None:
    """Float, simulated and deployed model on the evaluation data; None where there is none."""
    from clika_core.pipeline import deployment

    if data.evaluation is None:
        return None
    journal.step("evaluate")
    runners = deployment.runners(traced, quantized, deployed)
    batches = iterate_as_theirs(data.evaluation, f"the evaluation data {data.source!r}")
    return evaluate(traced, runners, journal.track(batches, "evaluate", data.total), data.source, metric)


def _complete(outcome: Outcome, found: Evaluation | None, notes: Sequence[str]) -> Outcome:
    """The outcome with what was found on the evaluation data; a score of `evaluation=` stands before it."""
    accuracy: Mapping[str, float | None] = outcome.accuracy
    metric = outcome.metric
    if found is not None and found.scores and all(value is None for value in accuracy.values()):
        accuracy, metric = found.scores, found.metric
    notes = (*notes, *score_notes(accuracy, metric), *outcome.notes)
    return replace(outcome, accuracy=accuracy, metric=metric, evaluation=found, notes=notes)


def _as_traced(model: TracedModel, inputs: Sequence[Any]) -> tuple[Any, ...]:
    """The program of the float model: every layer as it was traced, so that the user's object stays untouched."""
    return model.interpret(inputs, lambda call: call.run())


def write_results(
    folder: Path, traced: TracedModel, quantized: Quantized, report: dict[str, Any]
) -> str | None:
    """Write snapshot, pictures, report and page; returns a note where one of them could not be made."""
    graph, plan = traced.graph, quantized.plan
    graph.save(folder / "model.graph.json")
    written = write_pictures(folder, graph, plan)
    notes = [written.note] if written.note else []
    try:
        svg = written.svgs.get(PREPROCESSED)
        page = render_page(
            graph, preprocessed_picture(plan), svg, plan=plan, report=report, note=written.note
        )
        replace_file(folder / PAGE, page)
    except MissingDependencyError as missing:
        notes.append(f"{PAGE} is not written: {missing.message} ({missing.fix})")
    report["notes"] += notes
    write_report(folder / "clika_report.json", report)
    return "; ".join(notes) or None


def _deploy(
    traced: TracedModel, quantized: Quantized, data: Batches, accuracy: dict[str, float | None]
) -> tuple[Outcome, Any]:
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
        latency_seconds=deployment.latencies(deployed, _one_sample(traced.graph, batches[0])),
        notes=tuple(agreement_notes(codes, end_to_end)),
        optimization_level=deployed.optimization_level,
    )
    return outcome, deployed


def _simulate_only(
    traced: TracedModel, quantized: Quantized, data: Batches, accuracy: dict[str, float | None]
) -> tuple[Outcome, None]:
    """The outcome for a target without files: the simulation beside the float model, on the same batches."""
    from clika_core.pipeline import deployment

    batches = numpy_batches(traced, data, AGREEMENT_BATCHES)
    simulated = deployment.run_simulation(quantized, batches)
    distance = deployment.relative_distance(simulated, deployment.run_float(traced, batches))
    sizes = {
        "weights_float": float_weight_bytes(quantized.model),
        "weights_quantized": quantized_weight_bytes(quantized),
    }
    note = f"target {quantized.target.name} has no runtime: this is a simulation, and no file is written"
    return Outcome(
        accuracy=accuracy,
        end_to_end={"relative_l2_simulated_float": distance},
        sizes_bytes=sizes,
        notes=(note,),
    ), None


def _one_sample(graph: Graph, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """The first sample of a batch, where its size is free to change; else the batch."""
    is_free = [
        bool(node.outputs[0].shape) and isinstance(node.outputs[0].shape[0], str) for node in graph.inputs
    ]
    return [array[:1] if free else array for array, free in zip(batch, is_free, strict=True)]


def numpy_batches(model: TracedModel, data: Batches, limit: int) -> list[Sequence[NDArray[Any]]]:
    """The first batches as NumPy arrays beside the graph's inputs."""
    found: list[Sequence[NDArray[Any]]] = []
    for batch in data.native(model):
        if len(found) == limit:
            break
        found.append([np.asarray(model.arrays.to_numpy(array)) for array in batch])
    return found

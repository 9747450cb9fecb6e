"""`clika_compress`: the whole pipeline with fine-tuning. Quantize, then train, saving a state after every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from clika_core.backend.interface import Backend, TracedModel
from clika_core.backend.trainable import StoredProgram, no_training
from clika_core.errors import ModelError
from clika_core.pipeline.compress import write_results
from clika_core.pipeline.data import Batches
from clika_core.pipeline.from_scratch import check_following
from clika_core.pipeline.journal import Journal
from clika_core.pipeline.known_models import remember
from clika_core.pipeline.learned_scales import learned_scales
from clika_core.pipeline.narration import environment_lines, parsing_lines, plan_lines, settings_lines
from clika_core.pipeline.notes import plan_notes
from clika_core.pipeline.opening import Start, open_session
from clika_core.pipeline.output_folder import output_folder
from clika_core.pipeline.quantization import quantize_traced
from clika_core.pipeline.report import Outcome, report_json
from clika_core.pipeline.session import Compressed
from clika_core.pipeline.sharing import agree_on, workers_for
from clika_core.pipeline.task import MakeDataset, Task, calibration_batches
from clika_core.pipeline.tracing import traced_as_shown
from clika_core.pipeline.training_log import tell_details, training_log
from clika_core.pipeline.varying import shown_by
from clika_core.pipeline.widening import in_float32
from clika_core.planning.sensitivities import Sensitivity
from clika_core.plugins.planning import checked_settings
from clika_core.plugins.registry import find_backend, find_target
from clika_core.quality.techniques import TECHNIQUES
from clika_core.settings.model import Settings
from clika_core.training.callbacks import Callback
from clika_core.training.losses import Loss
from clika_core.training.randomness import Randomness
from clika_core.training.scale_start import with_start

LEARNING_RATE_TOLERANCE = 0.01  # relative, as the linter's


def clika_compress(
    output_path: str | Path,
    settings: Settings | None,
    model: Any,
    init_training_dataset_fn: MakeDataset,
    init_evaluation_dataset_fn: MakeDataset | None = None,
    optimizer: Any = None,
    training_losses: Mapping[str, Loss] | None = None,
    training_metrics: Mapping[str, Any] | None = None,
    evaluation_losses: Mapping[str, Loss] | None = None,
    evaluation_metrics: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
) -> str:
    """Quantize `model`, fine-tune it, and write everything into `output_path`; the path of the last `.pompom`.

    Dataset functions take no argument and return an iterable of `(inputs, targets)`; inputs are a tensor, tuple,
    list, or dict by argument name. The first `stats_steps` batches calibrate. A loss takes `(outputs, targets)` and
    gives a scalar, a list, or a dict of scalars. `optimizer` is bound to the parameters of `model`, and is rebuilt
    for the quantized model's by name. With `method: ptq`, or `num_epochs: 0`, nothing is trained.
    """
    task = Task.of(
        init_training_dataset_fn,
        init_evaluation_dataset_fn,
        optimizer,
        (training_losses, evaluation_losses),
        (training_metrics, evaluation_metrics),
        callbacks,
    )
    settings = checked_settings(settings)
    backend = find_backend(model)
    workers = workers_for(backend, settings)
    task = task.shared_by(workers)
    folder = Path(output_path)
    check_following(settings, task)
    workers.once(lambda: _claim(folder))
    with training_log(folder, workers) as journal:
        return str(_compress(folder, settings, model, backend, task, journal))


def _claim(folder: Path) -> None:
    """Take the folder: epochs are written into it one by one."""
    with output_folder(folder):
        pass


def _compress(
    folder: Path, settings: Settings, model: Any, backend: Backend, task: Task, journal: Journal
) -> Path:
    randomness = Randomness(backend)
    seed = settings.training_settings.random_seed or 0
    randomness.seed(seed)
    tell_details(journal, environment_lines(seed, None), settings_lines(settings))
    for name in TECHNIQUES:
        if getattr(settings.global_quantization_settings, name):
            journal.note(f"{name} has no effect here: training learns what it estimates")
    start = randomness.state()
    calibration = calibration_batches(task, settings, randomness, start)
    journal.step("trace")
    shown = shown_by(Batches(calibration.whole), workers=task.workers)
    model, example, widening = in_float32(backend, model, shown.example)
    traced = traced_as_shown(backend, backend.on_own_device(model, task.workers), example, shown.axes)
    task.workers.agree("the model that they traced", traced.graph.fingerprint)
    tell_details(journal, parsing_lines(traced.graph))
    if type(traced).trainable is TracedModel.trainable:
        raise no_training(backend.name)  # before data is read for nothing
    target = find_target(settings.deployment_settings.target_framework).with_simulated_bits()
    data = Batches(calibration.inputs)
    quantized = quantize_traced(traced, settings, target, data, journal, task.workers)
    agree_on(quantized.plan, quantized.parameters, task.workers)
    tell_details(journal, plan_lines(quantized.plan))
    learned = learned_scales(
        settings,
        quantized.model,
        quantized.plan,
        quantized.simulation,
        quantized.target,
        quantized.parameters,
    )
    compressed = Compressed(
        graph=traced.graph,
        traced=traced,
        model=quantized.model,
        original=_stored(traced, model, journal),
        plan=quantized.plan,
        simulation=quantized.simulation,
        learned=None if learned is None else with_start(learned, quantized.model),
        fitted=quantized.target,
        sensitivities={n: Sensitivity(m.qs, m.abs_l2) for n, m in quantized.measurements.items()},
        parameters=quantized.parameters,
        settings=settings,
        seed=seed,
    )
    opened = open_session(
        folder, compressed, task, randomness, journal, start=Start(start, start), user_model=model
    )
    say_learning_rate(settings, opened.learning_rate, journal)
    for note in widening:
        journal.note(note)
    notes = (*widening, *plan_notes(quantized.plan))
    report = report_json(quantized, settings, Outcome(notes=notes), seed)
    report["learning_rate"] = opened.learning_rate
    task.workers.once(lambda: write_results(folder, traced, quantized, report))
    with ExitStack() as ending:
        for callback in task.callbacks:
            ending.callback(callback.on_end)
            callback.on_start(folder, report)
        path = opened.session.begin()
        return opened.session.run(1, path) if settings.trains else path


def say_learning_rate(settings: Settings, rate: float | None, journal: Journal) -> None:
    """Warn where the guide's advice is not followed: go on with the last learning rate of the original training."""
    original = settings.training_settings.original_last_learning_rate
    if rate is None or original is None or abs(rate - original) <= LEARNING_RATE_TOLERANCE * original:
        return
    journal.note(
        f"the learning rate is {rate:g}, {rate / original:.3g} times the last one of the original "
        f"training, {original:g}; it is good practice to go on with that one (see `clika lint`, CLK501)"
    )


def _stored(traced: TracedModel, model: Any, journal: Journal) -> StoredProgram | None:
    remember(traced, model)
    try:
        return traced.stored()
    except ModelError as error:
        journal.note(f"this model cannot be resumed without its code: {error.message} ({error.found})")
        return None

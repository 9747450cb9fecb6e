"""`clika_compress`: the whole pipeline with fine-tuning. Quantize, then train, saving a state after every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clika_core.backend.interface import Backend, Removals, TracedModel
from clika_core.backend.preprocessing import keep_norms
from clika_core.backend.trainable import NativeState, Setup, StoredProgram, Trainable, no_training
from clika_core.errors import ModelError, SettingsError
from clika_core.pipeline.compress import write_results
from clika_core.pipeline.data import Batches
from clika_core.pipeline.following import FollowingRanges, epochs_followed
from clika_core.pipeline.from_scratch import check_following
from clika_core.pipeline.journal import Journal
from clika_core.pipeline.known_models import remember
from clika_core.pipeline.narration import environment_lines, parsing_lines, plan_lines, settings_lines
from clika_core.pipeline.notes import plan_notes
from clika_core.pipeline.output_folder import output_folder
from clika_core.pipeline.quantization import quantize_traced
from clika_core.pipeline.report import Outcome, report_json
from clika_core.pipeline.session import Compressed, Session
from clika_core.pipeline.sharing import agree_on, workers_for
from clika_core.pipeline.task import MakeDataset, Task, calibration_batches
from clika_core.pipeline.training_log import tell_details, training_log
from clika_core.planning.plan import Plan
from clika_core.planning.sensitivities import Sensitivity
from clika_core.plugins.planning import checked_settings
from clika_core.plugins.registry import find_backend, find_target
from clika_core.quality.techniques import TECHNIQUES
from clika_core.settings.model import Settings
from clika_core.settings.sections import TrainingSettings
from clika_core.simulation.learned import LearnedSimulation, learn_scales
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.visitor import Simulation
from clika_core.targets.target import Target
from clika_core.training.callbacks import Callback
from clika_core.training.evaluation import Evaluation
from clika_core.training.feed import Feed, Position
from clika_core.training.losses import Loss
from clika_core.training.program import Distillation, QuantizedProgram, distilled_layers
from clika_core.training.randomness import Randomness, RandomState
from clika_core.training.scale_start import with_start
from clika_core.training.summary import EVALUATION, History
from clika_core.training.trainer import Trainer

DEFAULT_LEARNING_RATE = 1e-4
_BACKENDS_OWN = (
    ("distributed_training_settings", "multi_gpu"),
    ("distributed_training_settings", "use_sharding"),
    ("training_settings", "amp_dtype"),
    ("training_settings", "weights_dtype"),
    ("training_settings", "activations_offloading"),
    ("training_settings", "params_offloading"),
    ("training_settings", "gradient_checkpointing"),
    ("training_settings", "is_training_from_scratch"),
)
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
    traced = backend.trace(backend.on_own_device(model, task.workers), calibration.example)
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
    notes = tuple(plan_notes(quantized.plan))
    report = report_json(quantized, settings, Outcome(notes=notes), seed)
    report["learning_rate"] = opened.learning_rate
    task.workers.once(lambda: write_results(folder, traced, quantized, report))
    with ExitStack() as ending:
        for callback in task.callbacks:
            ending.callback(callback.on_end)
            callback.on_start(folder, report)
        path = opened.session.begin()
        return opened.session.run(1, path) if settings.trains else path


@dataclass(frozen=True)
class Start:
    """Where a session begins: random numbers of training data and of evaluation, and what was done before."""

    position: RandomState | Position
    evaluation: RandomState
    step: int = 0
    history: History = field(default_factory=History)
    native: NativeState | None = None


@dataclass(frozen=True)
class Opened:
    """A session that is ready to run, and the learning rate it trains with."""

    session: Session
    trainable: Trainable
    learning_rate: float | None


def open_session(
    folder: Path,
    compressed: Compressed,
    task: Task,
    randomness: Randomness,
    journal: Journal,
    *,
    start: Start,
    user_model: Any,
) -> Opened:
    """Make the native model with its optimizer, load what was saved, evaluate the original where it never was."""
    training = compressed.settings.training_settings
    distillation = _distillation(compressed, task, journal)
    program = QuantizedProgram(
        compressed.simulation,
        compressed.learned,
        distillation,
        half=training.amp_dtype,
        is_recomputed=bool(training.gradient_checkpointing),
        is_folding=training.is_training_from_scratch,
    )
    base = keep_norms(compressed.traced) if program.is_folding else compressed.model
    trainable = base.trainable(setup(compressed, program, task, user_model))
    if start.native is not None:
        trainable.load_state(start.native)
    for note in trainable.notes:
        journal.note(note)
    evaluation = evaluation_of(task, training, randomness, start.evaluation)
    history = start.history
    if evaluation is not None and not training.skip_initial_eval and not history.original:
        journal.step("evaluate the original model")
        history = replace(history, original={EVALUATION: evaluation(compressed.traced.run, trainable.place)})
    position = start.position if isinstance(start.position, Position) else Position(start.position)
    feed = Feed(task.training, randomness, position, is_reset=training.reset_train_data, workers=task.workers)
    following = _following(compressed, trainable, program, task, randomness, start.evaluation)
    trainer = Trainer(
        trainable,
        training,
        feed,
        before_batch=None if following is None else following.before_batch,
        metrics=task.training_metrics,
        evaluation=evaluation,
        callbacks=task.callbacks,
        say=journal.info,
        step=start.step,
        workers=task.workers,
    )
    session = Session(
        compressed,
        trainable,
        trainer,
        feed,
        randomness,
        folder=folder,
        evaluation_random_state=start.evaluation,
        history=history,
        callbacks=task.callbacks,
        say=journal.info,
        workers=task.workers,
        following=following,
    )
    return Opened(session, trainable, max(trainable.learning_rates(), default=None))


def _following(
    compressed: Compressed,
    trainable: Trainable,
    program: QuantizedProgram,
    task: Task,
    randomness: Randomness,
    start: RandomState,
) -> FollowingRanges | None:
    """Ranges that follow the training, where the settings ask for it."""
    settings = compressed.settings
    if not settings.trains or not epochs_followed(settings.training_settings):
        return None
    return FollowingRanges(
        trainable,
        program,
        compressed.plan,
        compressed.fitted,
        settings,
        task,
        randomness,
        start,
        compressed.parameters,
    )


def say_learning_rate(settings: Settings, rate: float | None, journal: Journal) -> None:
    """Warn where the guide's advice is not followed: go on with the last learning rate of the original training."""
    original = settings.training_settings.original_last_learning_rate
    if rate is None or original is None or abs(rate - original) <= LEARNING_RATE_TOLERANCE * original:
        return
    journal.note(
        f"the learning rate is {rate:g}, {rate / original:.3g} times the last one of the original "
        f"training, {original:g}; it is good practice to go on with that one (see `clika lint`, CLK501)"
    )


def learned_scales(
    settings: Settings,
    model: TracedModel,
    plan: Plan,
    simulation: Simulation,
    target: Target,
    parameters: Parameters,
) -> LearnedSimulation | None:
    """The simulation with scales to learn, where the settings ask for it. Raises SettingsError without support."""
    if not settings.training_settings.learn_scales:
        _refuse_freezing(settings)
        return None
    _require_learning(model, settings, "learn_scales")
    return learn_scales(simulation, plan, target, parameters)


def _refuse_freezing(settings: Settings) -> None:
    if settings.training_settings.freeze_scales_after_epochs is not None:
        raise SettingsError(
            "training_settings.freeze_scales_after_epochs freezes learned scales, and none are learned",
            found="learn_scales is not set: ranges stay as they were calibrated from the first epoch on",
            fix="set learn_scales: true, or remove freeze_scales_after_epochs",
            location=settings.location_of("training_settings", "freeze_scales_after_epochs"),
        )


def _distillation(compressed: Compressed, task: Task, journal: Journal) -> Distillation | None:
    """What the settings ask for; of the outputs where the user gives no loss at all."""
    training = compressed.settings.training_settings
    kind = training.distillation
    if kind is None and not task.training_losses and compressed.settings.trains:
        journal.note("there is no training loss: the float model's outputs are what is trained for")
        kind = "outputs"
    if kind is None:
        return None
    _require_learning(compressed.model, compressed.settings, "distillation")
    return Distillation(
        compressed.model.preprocess(Removals({})),
        distilled_layers(compressed.simulation) if kind == "layers" else (),
        training.distillation_weight or 1.0,
        training.distillation_temperature or 1.0,
    )


def _require_learning(model: TracedModel, settings: Settings, key: str) -> None:
    if not hasattr(model.arrays, "scale_gradient"):
        raise SettingsError(
            f"the {model.graph.backend} backend does not honour training_settings.{key}",
            fix="remove the setting",
            location=settings.location_of("training_settings", key),
        )


def setup(compressed: Compressed, program: QuantizedProgram, task: Task, user_model: Any) -> Setup:
    """What the backend is told."""
    training = compressed.settings.training_settings
    rate = training.learning_rate or training.original_last_learning_rate or DEFAULT_LEARNING_RATE
    return Setup(
        program=program,
        losses=task.losses,
        user_model=user_model,
        optimizer=task.optimizer,
        learning_rate=rate,
        learned={} if compressed.learned is None else compressed.learned.initial,
        accumulation=training.grads_acc_steps,
        clip_norm=training.clip_grad_norm_val,
        clip_norm_type=training.clip_grad_norm_type,
        options=_options(compressed.settings),
        workers=task.workers,
    )


def _options(settings: Settings) -> dict[str, Any]:
    """The settings that only some backends honour, where they are on."""
    return {
        f"{name}.{key}": value
        for name, key in _BACKENDS_OWN
        if (value := getattr(settings.section(name), key))
    }


def evaluation_of(
    task: Task, training: TrainingSettings, randomness: Randomness, start: RandomState
) -> Evaluation | None:
    """How to evaluate; None without evaluation data."""
    if task.evaluation is None:
        return None
    return Evaluation(
        task.evaluation,
        task.evaluation_losses,
        task.evaluation_metrics,
        randomness=randomness,
        random_state=start,
        limit=training.evaluation_steps,
        is_reset=training.reset_eval_data,
        workers=task.workers,
    )


def _stored(traced: TracedModel, model: Any, journal: Journal) -> StoredProgram | None:
    remember(traced, model)
    try:
        return traced.stored()
    except ModelError as error:
        journal.note(f"this model cannot be resumed without its code: {error.message} ({error.found})")
        return None

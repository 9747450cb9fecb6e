"""A session of training, made ready: the native model with its optimizer, feed, trainer and evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from clika_core.backend.interface import Removals
from clika_core.backend.preprocessing import keep_norms
from clika_core.backend.trainable import NativeState, Setup, Trainable
from clika_core.pipeline.following import FollowingRanges, epochs_followed
from clika_core.pipeline.journal import Journal
from clika_core.pipeline.learned_scales import require_learning
from clika_core.pipeline.session import Compressed, Session
from clika_core.pipeline.task import Task
from clika_core.settings.model import Settings
from clika_core.settings.sections import TrainingSettings
from clika_core.training.evaluation import Evaluation
from clika_core.training.feed import Feed, Position
from clika_core.training.program import Distillation, QuantizedProgram, distilled_layers
from clika_core.training.randomness import Randomness, RandomState
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
    trainable = base.trainable(_setup(compressed, program, task, user_model))
    if start.native is not None:
        trainable.load_state(start.native)
    for note in trainable.notes:
        journal.note(note)
    evaluation = _evaluation(task, training, randomness, start.evaluation)
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


def _distillation(compressed: Compressed, task: Task, journal: Journal) -> Distillation | None:
    """What the settings ask for; of the outputs where the user gives no loss at all."""
    training = compressed.settings.training_settings
    kind = training.distillation
    if kind is None and not task.training_losses and compressed.settings.trains:
        journal.note("there is no training loss: the float model's outputs are what is trained for")
        kind = "outputs"
    if kind is None:
        return None
    require_learning(compressed.model, compressed.settings, "distillation")
    return Distillation(
        compressed.model.preprocess(Removals({})),
        distilled_layers(compressed.simulation) if kind == "layers" else (),
        training.distillation_weight or 1.0,
        training.distillation_temperature or 1.0,
    )


def _setup(compressed: Compressed, program: QuantizedProgram, task: Task, user_model: Any) -> Setup:
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


def _evaluation(
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

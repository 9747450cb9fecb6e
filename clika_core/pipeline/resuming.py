"""`clika_resume`: goes on where a saved state stopped, bit by bit, or with new settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from clika_core.backend.interface import Removals, TracedModel
from clika_core.backend.preprocessing import preprocess
from clika_core.calibration.calibrate import calibrate, make_parameters
from clika_core.errors import StateError
from clika_core.observers import DEFAULT_OBSERVER
from clika_core.pipeline.fine_tuning import say_learning_rate
from clika_core.pipeline.following import epochs_followed
from clika_core.pipeline.from_scratch import check_following
from clika_core.pipeline.journal import Journal
from clika_core.pipeline.known_models import known_model
from clika_core.pipeline.learned_scales import learned_scales
from clika_core.pipeline.narration import plan_lines
from clika_core.pipeline.opening import Start, open_session
from clika_core.pipeline.quantization import bits_of, fitted_target
from clika_core.pipeline.saved_state import SavedState
from clika_core.pipeline.session import Compressed
from clika_core.pipeline.sharing import agree_on, workers_for
from clika_core.pipeline.task import MakeDataset, Task, calibration_batches
from clika_core.pipeline.tracing import axes_left_free, traced_by
from clika_core.pipeline.training_log import tell_details, training_log
from clika_core.pipeline.training_page import read_report, renew_plan
from clika_core.pipeline.widening import in_float32
from clika_core.planning.plan import Plan, make_plan
from clika_core.planning.wiring import Wiring
from clika_core.plugins.planning import checked_settings
from clika_core.plugins.registry import backend_named, find_target, observer_named
from clika_core.settings.model import Settings
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.points import quantization_points
from clika_core.simulation.visitor import simulation
from clika_core.targets.target import Target
from clika_core.training.callbacks import Callback
from clika_core.training.feed import as_batch
from clika_core.training.losses import Loss
from clika_core.training.randomness import OwnStream, Randomness


def clika_resume(
    clika_state_path: str | Path,
    init_training_dataset_fn: MakeDataset,
    init_evaluation_dataset_fn: MakeDataset | None = None,
    optimizer: Any = None,
    training_losses: Mapping[str, Loss] | None = None,
    training_metrics: Mapping[str, Any] | None = None,
    evaluation_losses: Mapping[str, Loss] | None = None,
    evaluation_metrics: Mapping[str, Any] | None = None,
    callbacks: Sequence[Callback] = (),
    new_settings: Settings | None = None,
    resume_start_epoch: int | None = None,
    *,
    model: Any = None,
) -> str:
    """Go on from a `.pompom` into the same output folder; the path of the last one.

    With the same functions and settings the result is that of an uninterrupted run, bit by bit on the CPU.
    `new_settings` replace the saved ones: other skip rules, more epochs. `resume_start_epoch` is the number of the
    next epoch, one more than the saved one by default; the schedule goes by it. Without `optimizer` the saved one
    goes on; one that is given has its own class and hyper-parameters, and the saved moments where the class is the
    same. `model` is needed only where the state says that it holds no program, in another process than the one that
    compressed it.
    """
    task = Task.of(
        init_training_dataset_fn,
        init_evaluation_dataset_fn,
        optimizer,
        (training_losses, evaluation_losses),
        (training_metrics, evaluation_metrics),
        callbacks,
    )
    state = SavedState.load(clika_state_path)
    settings = state.settings if new_settings is None else checked_settings(new_settings)
    first = _first_epoch(state, resume_start_epoch)
    folder = Path(clika_state_path).resolve().parent.parent
    workers = workers_for(backend_named(state.backend), settings)
    task = task.shared_by(workers)
    check_following(settings, task)
    with training_log(folder, workers) as journal:
        journal.step(f"resume after epoch {state.epoch} from {clika_state_path}")
        path = Path(clika_state_path)
        return str(_resume(folder, path, state, settings, task, journal, first, model))


def _resume(
    folder: Path,
    path: Path,
    state: SavedState,
    settings: Settings,
    task: Task,
    journal: Journal,
    first: int,
    model: Any,
) -> Path:
    backend = backend_named(state.backend)
    randomness = Randomness(backend)
    if state.original is not None:
        traced = backend.restored(state.original, state.graph)
    else:
        traced = _traced_again(backend, model, task, state, randomness)
    compressed = _compressed(traced, state, settings, task, randomness, journal)
    agree_on(compressed.plan, compressed.parameters, task.workers)
    if settings != state.settings:
        facts = (compressed.plan, compressed.parameters, compressed.simulation)
        task.workers.once(lambda: renew_plan(folder, settings, *facts))
    start = Start(
        state.position,
        state.evaluation_random_state,
        step=state.step,
        history=state.history,
        native=state.native,
    )
    randomness.restore(state.random_state)
    opened = open_session(folder, compressed, task, randomness, journal, start=start, user_model=model)
    given = settings.training_settings.learning_rate
    if settings is not state.settings and given is not None and task.optimizer is None:
        opened.trainable.set_learning_rate(given)
    say_learning_rate(settings, max(opened.trainable.learning_rates(), default=None), journal)
    with ExitStack() as ending:
        for callback in task.callbacks:
            ending.callback(callback.on_end)
            callback.on_start(folder, read_report(folder))
        return opened.session.run(first, path)


def _first_epoch(state: SavedState, wanted: int | None) -> int:
    if wanted is None:
        return state.epoch + 1
    if not 1 <= wanted <= state.epoch + 1:
        raise StateError(
            "resume_start_epoch does not follow the saved state",
            found=repr(wanted),
            expected=f"1 to {state.epoch + 1}: the state is that after epoch {state.epoch}",
        )
    return wanted


def _traced_again(
    backend: Any, model: Any, task: Task, state: SavedState, randomness: Randomness
) -> TracedModel:
    """The user's model, traced anew. Raises StateError where it is missing, or another one."""
    model = known_model(state.graph.fingerprint) if model is None else model
    if model is None:
        raise StateError(
            "this state holds no program: the model has parts that are code",
            fix="give the model as well: clika_resume(..., model=model)",
        )
    with OwnStream(randomness, state.position.random_state).active():
        inputs = next((as_batch(batch)[0] for batch in task.training()), None)
    model, inputs, _ = in_float32(backend, model, inputs)
    traced = traced_by(backend, model, inputs, dynamic_axes=axes_left_free(state.graph))
    if traced.graph.fingerprint != state.graph.fingerprint:
        raise StateError(
            "the model is not the one that was saved",
            found=f"fingerprint {traced.graph.fingerprint}",
            expected=state.graph.fingerprint,
        )
    return traced


def _compressed(
    traced: TracedModel,
    state: SavedState,
    settings: Settings,
    task: Task,
    randomness: Randomness,
    journal: Journal,
) -> Compressed:
    """As it was saved where the plan is the same; else planned anew, and new points are calibrated."""
    known = find_target(settings.deployment_settings.target_framework).with_simulated_bits()
    target = fitted_target(settings, known, journal)
    plan = make_plan(traced.graph, settings, target, state.sensitivities)
    model = preprocess(traced)
    parameters = state.parameters
    if settings != state.settings and _decisions(plan) != _decisions(
        make_plan(traced.graph, state.settings, target, state.sensitivities)
    ):
        journal.step("the plan has changed: calibrate the values that are new")
        tell_details(journal, plan_lines(plan))
        parameters = _extended(model, plan, target, state, settings, task, randomness)
    moved = _trained(model, state) if epochs_followed(settings.training_settings) else model
    simulated = simulation(moved, plan, target, parameters)
    return Compressed(
        graph=state.graph,
        traced=traced,
        model=model,
        original=state.original,
        plan=plan,
        simulation=simulated,
        learned=learned_scales(settings, model, plan, simulated, target, parameters),
        fitted=target,
        sensitivities=state.sensitivities,
        parameters=parameters,
        settings=settings,
        seed=state.seed,
    )


def _decisions(plan: Plan) -> list[tuple[str, str, int, int]]:
    return [(d.name, d.precision, d.weights_num_bits, d.activations_num_bits) for d in plan.decisions]


def _trained(model: TracedModel, state: SavedState) -> TracedModel:
    """The preprocessed model with the weights that were saved."""
    trained = model.preprocess(Removals({}))
    for layer, own in state.weights.items():
        trained.parameters(layer).update(own)
    return trained


def _extended(
    model: TracedModel,
    plan: Plan,
    target: Target,
    state: SavedState,
    settings: Settings,
    task: Task,
    randomness: Randomness,
) -> Parameters:
    """Parameters of a new plan: those that were saved where bits are the same, the others from training data."""
    trained = _trained(model, state)
    wiring = Wiring(model.graph)
    points = quantization_points(wiring, plan.groups, target, set(plan.skipped))
    heads = [head for head in plan.groups if head not in set(plan.skipped)]
    observer = observer_named(settings.global_quantization_settings.observer or DEFAULT_OBSERVER)
    batches = calibration_batches(task, settings, randomness, state.position.random_state).inputs
    inputs = map(trained.flatten_inputs, batches)
    seen = calibrate(trained, points.observed, inputs, observer, task.workers)
    fresh = make_parameters(trained, wiring, heads, points, seen, target, bits_of(plan, settings))
    return Parameters(
        {
            key: kept if (kept := state.parameters.activations.get(key)) and kept.format == p.format else p
            for key, p in fresh.activations.items()
        },
        {
            key: kept if (kept := state.parameters.weights.get(key)) and kept.format == p.format else p
            for key, p in fresh.weights.items()
        },
    )

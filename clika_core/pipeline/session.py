"""`Session`: one training under way. Runs epochs, keeps summaries, and saves a state after each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clika_core.backend.interface import TracedModel
from clika_core.backend.preprocessing import preprocess
from clika_core.backend.trainable import StoredProgram, Trainable
from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import OutputError
from clika_core.files import write_whole
from clika_core.ir.graph import Graph
from clika_core.pipeline.following import FollowingRanges
from clika_core.pipeline.saved_state import SavedState, weights_of
from clika_core.pipeline.training_page import renew_report
from clika_core.planning.plan import Plan
from clika_core.planning.sensitivities import Sensitivity
from clika_core.settings.model import Settings
from clika_core.simulation.learned import LearnedSimulation
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.visitor import Simulation
from clika_core.targets.target import Target
from clika_core.training.callbacks import Callback
from clika_core.training.feed import Feed
from clika_core.training.pompom import FILE_NAME
from clika_core.training.progress import Say, epoch_lines
from clika_core.training.randomness import Randomness, RandomState
from clika_core.training.summary import EVALUATION, TRAINING, History, Values, summary_text
from clika_core.training.trainer import Trainer

BEST = "best"


@dataclass(frozen=True)
class Compressed:
    """What stays the same during training: the model before and after preprocessing, and how it is quantized."""

    graph: Graph
    traced: TracedModel
    model: TracedModel  # preprocessed
    original: StoredProgram | None  # `traced` as data
    plan: Plan
    simulation: Simulation
    learned: LearnedSimulation | None
    fitted: Target  # with the weight range that the settings ask for
    sensitivities: Mapping[str, Sensitivity]
    parameters: Parameters
    settings: Settings
    seed: int


class Session:
    """Epochs over a trainer, each followed by its summary and its saved state."""

    def __init__(
        self,
        compressed: Compressed,
        trainable: Trainable,
        trainer: Trainer,
        feed: Feed,
        randomness: Randomness,
        *,
        folder: Path,
        evaluation_random_state: RandomState,
        history: History,
        callbacks: Sequence[Callback],
        say: Say,
        workers: Workers = ALONE,
        following: FollowingRanges | None = None,
    ) -> None:
        """Everything that a training needs; nothing is run yet."""
        self._following = following
        self._compressed, self._trainable, self._trainer, self._feed = compressed, trainable, trainer, feed
        self._randomness, self._folder, self._say = randomness, folder, say
        self._evaluation_random_state, self._callbacks = evaluation_random_state, callbacks
        self._workers = workers
        self.history = history

    def begin(self) -> Path:
        """Save the state before the first epoch, as epoch 0; its path."""
        values: dict[str, Values] = {TRAINING: {}, EVALUATION: self._trainer.evaluate()}
        path = self._finish_epoch(0, values, is_saved=True)
        assert path is not None
        return path

    def run(self, first: int, path: Path) -> Path:
        """Epochs from `first` to the last one that the settings name; the path of the last saved state."""
        training = self._compressed.settings.training_settings
        for epoch in range(first, training.num_epochs + 1):
            values = self._trainer.run_epoch(epoch)
            is_saved = epoch == training.num_epochs or epoch % (training.save_interval or 1) == 0
            is_last = self._is_enough(epoch, values)
            path = self._finish_epoch(epoch, values, is_saved=is_saved or is_last) or path
            if is_last:
                self._say(f"no lower loss for {training.early_stop_epochs} epochs: training ends")
                break
        return path

    def _is_enough(self, epoch: int, values: dict[str, Values]) -> bool:
        """Whether early stopping ends the training after this epoch."""
        patience = self._compressed.settings.training_settings.early_stop_epochs
        history = self.history.with_epoch(epoch, values, self._trainer.loss_names)
        best = history.best_epoch(history.epochs)
        return patience is not None and best is not None and epoch - best >= patience

    def _finish_epoch(self, epoch: int, values: dict[str, Values], *, is_saved: bool) -> Path | None:
        """Summary, state, and the name of the best epoch, in that order: what exists is complete."""
        self.history = self.history.with_epoch(epoch, values, self._trainer.loss_names)
        summary = self.history.summary(epoch)
        folder = self._folder / f"epoch_{epoch}"
        if is_saved:
            state = self._state(epoch)
            self._workers.once(lambda: self._save(folder, state, summary))
        for line in epoch_lines(summary):
            self._say(line)
        for callback in self._callbacks:
            callback.on_epoch(epoch, summary)
        return folder / FILE_NAME if is_saved else None

    def _save(self, folder: Path, state: SavedState, summary: Mapping[str, Any]) -> None:
        state.save(folder / FILE_NAME)
        _write(folder / "summary.json", summary_text(summary))
        self._name_best()
        with _told_of(self._folder):
            renew_report(self._folder, self._compressed.plan, self.history)

    def _name_best(self) -> None:
        """Write which of the saved epochs is the best one."""
        saved = {e for e in self.history.epochs if (self._folder / f"epoch_{e}" / FILE_NAME).is_file()}
        best = self.history.best_epoch(saved)
        if best is not None:
            _write(self._folder / BEST, f"epoch_{best}\n")

    def _parameters(self) -> Parameters:
        if self._following is not None:
            return self._following.parameters
        learned = self._compressed.learned
        return self._compressed.parameters if learned is None else learned.learned(self._trainable.learned())

    def _state(self, epoch: int) -> SavedState:
        compressed = self._compressed
        model = self._trainable.traced()
        if compressed.settings.training_settings.is_training_from_scratch:
            model = preprocess(model)
        return SavedState(
            backend=compressed.graph.backend,
            graph=compressed.graph,
            original=compressed.original,
            settings=compressed.settings,
            target=compressed.fitted.name,
            sensitivities=compressed.sensitivities,
            parameters=self._parameters(),
            weights=weights_of(model),
            native=self._trainable.state(),
            position=self._feed.position,
            random_state=self._randomness.state(),
            evaluation_random_state=self._evaluation_random_state,
            epoch=epoch,
            step=self._trainer.step,
            seed=compressed.seed,
            learning_rate=max(self._trainable.learning_rates(), default=None),
            history=self.history,
        )


def _write(path: Path, text: Any) -> None:
    with _told_of(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, text, mode=0o644, is_durable=True)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """What the system refuses, as an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"cannot write {path}", found=error.strerror or str(error)) from error

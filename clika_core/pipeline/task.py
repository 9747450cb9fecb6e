"""`Task`: what a user gives to a training beside model and settings, and the data that calibrates before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import DataError
from clika_core.settings.model import Settings
from clika_core.training.callbacks import Callback
from clika_core.training.feed import as_batch
from clika_core.training.losses import Loss, checked_losses, named_losses
from clika_core.training.metrics import checked_metrics
from clika_core.training.randomness import OwnStream, Randomness, RandomState
from clika_core.training.share import share_of

MakeDataset = Callable[[], Iterable[Any]]


@dataclass(frozen=True)
class Task:
    """What the user gives beside model and settings, checked, and who works on it together."""

    training: MakeDataset
    evaluation: MakeDataset | None
    optimizer: Any
    training_losses: Mapping[str, Loss]
    training_metrics: Mapping[str, Any]
    evaluation_losses: Mapping[str, Loss]
    evaluation_metrics: Mapping[str, Any]
    callbacks: Sequence[Callback]
    workers: Workers = ALONE

    def shared_by(self, workers: Workers) -> Task:
        """The task of one of several workers: callbacks, which may write files, are the first one's."""
        return replace(self, workers=workers, callbacks=self.callbacks if workers.is_first else ())

    @classmethod
    def of(
        cls,
        training: MakeDataset,
        evaluation: MakeDataset | None,
        optimizer: Any,
        losses: tuple[Any, Any],
        metrics: tuple[Any, Any],
        callbacks: Sequence[Callback],
    ) -> Task:
        """Check everything; evaluation without losses of its own has those of training."""
        for name, function in (
            ("init_training_dataset_fn", training),
            ("init_evaluation_dataset_fn", evaluation),
        ):
            if function is not None and not callable(function):
                raise DataError(
                    f"{name} is no function",
                    found=type(function).__name__,
                    expected="a function without arguments that returns an iterable of (inputs, targets)",
                )
        trained = checked_losses(losses[0], "training_losses")
        return cls(
            training,
            evaluation,
            optimizer,
            trained,
            checked_metrics(metrics[0], "training_metrics"),
            checked_losses(losses[1], "evaluation_losses") or trained,
            checked_metrics(metrics[1], "evaluation_metrics"),
            tuple(callbacks or ()),
        )

    def losses(self, outputs: Any, targets: Any) -> dict[str, Any]:
        """The losses of training by name."""
        return named_losses(self.training_losses, outputs, targets)


@dataclass(frozen=True)
class CalibrationBatches:
    """Inputs of the first batches: whole ones to trace with, and this worker's shares of them."""

    whole: Sequence[Any]
    inputs: Sequence[Any]


def calibration_batches(
    task: Task, settings: Settings, randomness: Randomness, start: RandomState
) -> CalibrationBatches:
    """Inputs of the first batches of the training data, drawn apart from those that train."""
    steps = settings.training_settings.stats_steps
    with OwnStream(randomness, start).active():
        dataset = task.training()
        found = [as_batch(batch) for batch in islice(dataset, steps)]
    if not found:
        raise DataError(
            "no batch calibrates" if steps == 0 else "the training data has no batch",
            expected="at least one batch of (inputs, targets), and stats_steps above 0",
        )
    is_divided = task.workers.is_divided(dataset)
    shares = [share_of(*batch, task.workers, is_divided=is_divided) for batch in found]
    whole = [inputs for inputs, _ in found]
    return CalibrationBatches(whole, [share.inputs for share in shares if share.size])

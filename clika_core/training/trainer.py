"""`Trainer`: epochs of a backend's `Trainable` over a feed of batches. Everything that does not need a framework."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from clika_core.backend.trainable import Trainable
from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import DataError
from clika_core.settings.sections import TrainingSettings
from clika_core.training.callbacks import Callback
from clika_core.training.evaluation import Evaluation
from clika_core.training.feed import Batch, Feed
from clika_core.training.losses import TOTAL
from clika_core.training.metrics import Means, Metrics
from clika_core.training.progress import Say, StepLines, Stopwatch
from clika_core.training.schedule import LearningRateSchedule
from clika_core.training.share import share_of
from clika_core.training.summary import EVALUATION, TRAINING, Values


class Trainer:
    """Runs one epoch after the other; what happens between them is the caller's."""

    def __init__(
        self,
        trainable: Trainable,
        settings: TrainingSettings,
        feed: Feed,
        *,
        metrics: Mapping[str, Any],
        evaluation: Evaluation | None,
        callbacks: Sequence[Callback],
        say: Say,
        step: int = 0,
        workers: Workers = ALONE,
        before_batch: Callable[[int, int, int], None] | None = None,
    ) -> None:
        """`step` counts the batches of all epochs so far. Each of several workers trains on its share of a batch.

        `before_batch` is called with epoch, batches of the epoch and batches of all epochs so far.
        """
        self._before_batch = before_batch
        self._workers = workers
        self._trainable, self._settings, self._feed = trainable, settings, feed
        self._metrics, self._evaluation, self._callbacks = metrics, evaluation, callbacks
        self.step = step
        self.loss_names: set[str] = {TOTAL}  # as they came up, in training and in evaluation
        self._schedule = schedule_of(settings)
        self._watch = Stopwatch(settings.print_ma_window_size)
        self._lines = StepLines(
            say,
            interval=settings.print_interval,
            window=settings.print_ma_window_size,
            num_epochs=settings.num_epochs,
        )

    def run_epoch(self, epoch: int) -> dict[str, Values]:
        """Train for one epoch (counted from 1) and evaluate. The values by group."""
        return {TRAINING: self._train(epoch), EVALUATION: self.evaluate()}

    def evaluate(self) -> dict[str, float]:
        """Losses and metrics of the quantized model as it is; none without evaluation data."""
        if self._evaluation is None:
            return {}
        found = self._evaluation(self._trainable.evaluate, self._trainable.place)
        self.loss_names |= self._evaluation.loss_names
        return found

    def _train(self, epoch: int) -> dict[str, float]:
        means, metrics = Means(), Metrics(self._metrics)
        steps = self._steps()
        limit = self._settings.freeze_scales_after_epochs
        is_frozen = limit is not None and epoch > limit
        pending = number = 0
        for inputs, targets in self._timed(self._feed.epoch(self._settings.steps_per_epoch)):
            factor = self._schedule.factor(epoch, number, steps)
            with self._watch.measure("iteration"):
                if self._before_batch is not None:
                    self._before_batch(epoch, number, self.step)
                share = share_of(inputs, targets, self._workers, is_divided=self._feed.is_divided)
                placed = self._trainable.place(share.targets)
                own, outputs = self._trainable.accumulate(share.inputs, placed, share.weight)
                number, pending, self.step = number + 1, pending + 1, self.step + 1
                losses, size = self._over_all(own, share.size)
                values = {**losses, TOTAL: sum(losses.values())}
                self.loss_names.update(losses)
                _refuse_non_finite(values, epoch, number)
                norm = None
                if pending == self._settings.grads_acc_steps:
                    norm, pending = self._trainable.apply(factor, are_scales_frozen=is_frozen), 0
                means.add(values, size)
                if share.size:
                    metrics.update(outputs, placed, share.size)
            self._say(epoch, number, steps, values, factor, norm)
        if pending:
            factor = self._schedule.factor(epoch, number - 1, steps)
            self._trainable.apply(factor, are_scales_frozen=is_frozen)
        return {**means.values(), **metrics.compute(self._workers)}

    def _over_all(self, losses: Values, size: int) -> tuple[Values, int]:
        """The losses of the global batch, and its samples, from those of this worker's share."""
        if self._workers.count == 1:
            return losses, size
        means, samples = Means(), 0
        for own, count in self._workers.told([losses, size]):
            means.add(own if count else {}, count)
            samples += count
        return means.values(), samples

    def _steps(self) -> int | None:
        """Batches of an epoch, None where the dataset does not tell."""
        wanted = self._settings.steps_per_epoch
        return wanted if wanted is not None else self._feed.length

    def _timed(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        while True:
            with self._watch.measure("data"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch

    def _say(
        self,
        epoch: int,
        number: int,
        steps: int | None,
        values: Values,
        factor: float,
        norm: float | None,
    ) -> None:
        rates = [rate * factor for rate in self._trainable.learning_rates()]
        rate = max(rates, default=0.0)
        memory = self._trainable.memory_bytes()
        self._lines.step(epoch, number, steps, values, self._watch, rate, memory)
        known = {**values, "learning_rate": rate}
        if norm is not None:
            known["gradient_norm"] = norm
        for callback in self._callbacks:
            callback.on_step(self.step, known)


def schedule_of(settings: TrainingSettings) -> LearningRateSchedule:
    """The schedule that the settings ask for."""
    return LearningRateSchedule(
        warmup_epochs=settings.lr_warmup_epochs,
        warmup_steps=settings.lr_warmup_steps_per_epoch,
        num_epochs=settings.num_epochs,
        is_cosine=settings.learning_rate_schedule == "cosine",
    )


def _refuse_non_finite(values: Values, epoch: int, step: int) -> None:
    wrong = {name: value for name, value in values.items() if not math.isfinite(value)}
    if wrong:
        raise DataError(
            f"a loss is no finite number in epoch {epoch}, step {step}",
            found=", ".join(f"{name} {value}" for name, value in wrong.items()),
            fix="lower the learning rate, set clip_grad_norm_val, or look at that batch; "
            "the state of the last epoch is saved",
        )

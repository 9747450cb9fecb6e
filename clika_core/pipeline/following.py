"""Ranges that follow a training: observed anew while the weights move, frozen after some epochs.

In the epochs before they freeze, ranges are observed anew at every epoch's first batch, and after 1, 2, 4, 8, ...
batches of the whole training: often where weights move fast. Each time the observers see the float model with the
weights as they are, on the data that calibrated it, and weights are looked at themselves. Between these instants
ranges stand still, so that what is trained, evaluated and saved is one and the same integer model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from clika_core.backend.interface import Array, TracedModel, Visitor
from clika_core.backend.preprocessing import preprocess
from clika_core.backend.trainable import Trainable
from clika_core.calibration.calibrate import Calibration, calibrate, make_parameters
from clika_core.observers import DEFAULT_OBSERVER
from clika_core.pipeline.quantization import bits_of
from clika_core.pipeline.task import Task, calibration_batches
from clika_core.planning.plan import Plan
from clika_core.planning.wiring import Wiring
from clika_core.plugins.registry import observer_named
from clika_core.settings.model import Settings
from clika_core.settings.sections import TrainingSettings
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.points import quantization_points
from clika_core.simulation.visitor import simulation
from clika_core.targets.target import Target
from clika_core.training.folding import Folding
from clika_core.training.program import QuantizedProgram
from clika_core.training.randomness import Randomness, RandomState

Key = tuple[str, str]


def epochs_followed(training: TrainingSettings) -> int:
    """In how many epochs ranges follow."""
    given = training.freeze_observers_after_epochs
    if given is not None:
        return given
    return max(training.num_epochs - 1, 1) if training.is_training_from_scratch else 0


@dataclass
class FollowingRanges:
    """The ranges of one training. `start` is where the random numbers of the calibration data begin."""

    trainable: Trainable
    program: QuantizedProgram
    plan: Plan
    target: Target
    settings: Settings
    task: Task
    randomness: Randomness
    start: RandomState
    parameters: Parameters
    _inputs: Sequence[Any] = field(default=())

    def before_batch(self, epoch: int, number: int, step: int) -> None:
        """Observe anew where it is time: before batch `number` (from 0) of an epoch, after `step` of all."""
        is_power = step > 0 and step & (step - 1) == 0
        if epoch <= epochs_followed(self.settings.training_settings) and (number == 0 or is_power):
            self._follow()

    def _follow(self) -> None:
        wiring = Wiring(self.plan.graph)
        floats = set(self.plan.skipped)
        points = quantization_points(wiring, self.plan.groups, self.target, floats)
        moments = _Moments(self.trainable.traced()) if self.program.is_folding else None
        seen = self._observed(points.observed, moments)
        statistics = {} if moments is None else moments.means
        self.trainable.use(self.program, statistics)
        model = self.trainable.traced()
        model = model if moments is None else preprocess(model)
        heads = [head for head in self.plan.groups if head not in floats]
        bits = bits_of(self.plan, self.settings)
        self.parameters = make_parameters(model, wiring, heads, points, seen, self.target, bits)
        simulated = simulation(model, self.plan, self.target, self.parameters)
        self.program = replace(self.program, simulation=simulated)
        self.trainable.use(self.program)

    def _observed(self, values: Sequence[Any], moments: _Moments | None) -> Calibration:
        """What observers see of the float model; norms that train go by the statistics of each batch."""
        if not self._inputs:
            self._inputs = calibration_batches(self.task, self.settings, self.randomness, self.start).inputs
        model = self.trainable.traced() if moments is None else moments.model
        observer = observer_named(self.settings.global_quantization_settings.observer or DEFAULT_OBSERVER)
        inputs = map(model.flatten_inputs, self._inputs)
        if moments is None:
            return calibrate(model, values, inputs, observer, self.task.workers)
        return calibrate(model, values, inputs, observer, self.task.workers, moments)


@dataclass
class _Moments:
    """Runs batches with norms that go by each batch; keeps the moments, whose means are the running statistics."""

    model: TracedModel
    passes: list[Folding] = field(default_factory=list)

    def __call__(self, visitor: Visitor) -> Visitor:
        self.passes.append(Folding(self.model, uses_batch=True))
        return self.passes[-1](visitor)

    @property
    def means(self) -> Mapping[Key, Array]:
        to_numpy = self.model.arrays.to_numpy
        keys = self.passes[0].found
        return {
            key: np.mean(
                [to_numpy(each.found[key]) for each in self.passes], axis=0, dtype=np.float64
            ).astype(np.float32)
            for key in keys
        }

"""What fine-tuning brings back after so many steps: the demo's network in every framework, in two ways.

    python -m benchmarks.fine_tuning --backend torch --bits 2 2 --steps 60 --seed 0 --seed 1 --seed 2

Both ways have the same batches in the same order, the same number of steps, the same optimizer and schedule. The
figures are those of images that neither calibrate nor train: accuracy, and the cross-entropy, which tells apart what
few wrong images cannot.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clika_core.backend.interface import Removals
from clika_core.backend.trainable import Setup, Trainable
from clika_core.demo.data import load_images
from clika_core.pipeline.compress import write_results
from clika_core.pipeline.data import Batches
from clika_core.pipeline.learned_scales import learned_scales
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.pipeline.report import Outcome, report_json
from clika_core.plugins.registry import backend_named, find_target
from clika_core.settings.model import Settings
from clika_core.training.losses import TOTAL
from clika_core.training.program import Distillation, QuantizedProgram
from clika_core.training.scale_start import with_start
from clika_core.training.schedule import LearningRateSchedule
from clika_core.training.summary import EVALUATION, History

Point = tuple[float, float]
"""Accuracy, mean cross-entropy."""

WARM_UP = 5
TEMPERATURE = 2.0
WAYS = ("straight-through", "learned scales and distillation")


def of_torch() -> Callable[[Any, Any], Any]:
    import torch

    return lambda outputs, labels: torch.nn.functional.cross_entropy(outputs, torch.as_tensor(labels))


def of_tensorflow() -> Callable[[Any, Any], Any]:
    import tensorflow as tf

    return lambda outputs, labels: tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(labels, outputs)
    )


def of_jax() -> Callable[[Any, Any], Any]:
    import optax

    return lambda outputs, labels: optax.softmax_cross_entropy_with_integer_labels(outputs, labels).mean()


CROSS_ENTROPY = {"torch": of_torch, "tensorflow": of_tensorflow, "jax": of_jax}


class Task:
    """The network at some bits, with data to train on and to judge by."""

    def __init__(self, backend: str, bits: tuple[int, int], batch_size: int, judged: int) -> None:
        data, self._backend = load_images(), backend_named(backend)
        self._images, self._labels = self._backend.demo_inputs(data.train.images), data.train.labels
        self._judged = self._backend.demo_inputs(data.test.images[:judged]), data.test.labels[:judged]
        self._batch_size, self._loss = batch_size, CROSS_ENTROPY[backend]()
        self.settings = Settings()
        quantization = self.settings.global_quantization_settings
        quantization.weights_num_bits, quantization.activations_num_bits = bits
        self.settings.training_settings.learn_scales = True
        target = find_target("ort").with_simulated_bits()
        calibration = Batches(self._backend.demo_inputs(data.calibration.images), batch_size=50)
        self.traced = self._backend.trace(self._backend.demo_network(), (self._images[:2],))
        self.found: Quantized = quantize_traced(
            self.traced, self.settings, target, calibration, lambda _: None
        )

    def trainable(self, way: str, rate: float) -> Trainable:
        """The quantized model, about to train."""
        found, model = self.found, self.found.model
        program, learned = QuantizedProgram(found.simulation), None
        if way != WAYS[0]:
            learned = learned_scales(
                self.settings, model, found.plan, found.simulation, found.target, found.parameters
            )
            assert learned is not None
            learned = with_start(learned, model)
            teacher = Distillation(model.preprocess(Removals({})), temperature=TEMPERATURE)
            program = QuantizedProgram(found.simulation, learned, teacher)
        initial = {} if learned is None else learned.initial
        return model.trainable(
            Setup(program, lambda o, t: {"ce": self._loss(o, t)}, learned=initial, learning_rate=rate)
        )

    def judge(self, run: Callable[[Any], Any]) -> Point:
        """Accuracy and mean cross-entropy of the images that are held back."""
        images, labels = self._judged
        parts = [images[start : start + 100] for start in range(0, len(images), 100)]
        logits = np.concatenate([self.traced.arrays.to_numpy(run(part)) for part in parts]).astype(np.float64)
        spread = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
        loss = float(np.mean(spread - logits[np.arange(len(labels)), labels]))
        return float(np.mean(logits.argmax(1) == labels)), loss

    def train(self, way: str, seed: int, steps: int, rate: float, every: int) -> dict[str, Any]:
        """The curve: after quantization, and every so many steps."""
        trainable, draws = self.trainable(way, rate), np.random.default_rng(seed)
        schedule = LearningRateSchedule(warmup_epochs=1, warmup_steps=WARM_UP, num_epochs=1, is_cosine=True)
        curve, seconds = [self.judge(trainable.evaluate)], 0.0
        for step in range(steps):
            rows = draws.choice(len(self._labels), self._batch_size, replace=False)
            started = time.process_time()
            trainable.accumulate(self._images[rows], self._labels[rows])
            trainable.apply(schedule.factor(1, step, steps))
            seconds += time.process_time() - started
            if (step + 1) % every == 0:
                curve.append(self.judge(trainable.evaluate))
        return {"way": way, "seed": seed, "curve": curve, "seconds_per_step": seconds / steps}


def recovered(float_accuracy: float, quantized: float, found: float) -> float:
    """The share of the accuracy lost by quantization that is back."""
    lost = float_accuracy - quantized
    return (found - quantized) / lost if lost > 0 else math.nan


def write_page(folder: Path, task: Task, reference: Point, curves: Mapping[str, Sequence[Point]]) -> None:
    """The page of the quantized network with both curves; an epoch is `--every` steps."""
    folder.mkdir(parents=True, exist_ok=True)
    report = report_json(task.found, task.settings, Outcome(), 0)
    runs = [{"name": way, "history": history_of(reference, curve).to_json()} for way, curve in curves.items()]
    write_results(folder, task.traced, task.found, {**report, "training": runs})


def history_of(reference: Point, curve: Sequence[Point]) -> History:
    """A curve as a training's own report has it."""
    found = History(original={EVALUATION: values_of(reference)}, losses=(TOTAL,))
    for epoch, point in enumerate(curve):
        found = found.with_epoch(epoch, {EVALUATION: values_of(point)})
    return found


def values_of(point: Point) -> dict[str, float]:
    """Accuracy and loss by name."""
    return {TOTAL: point[1], "accuracy": point[0]}


def training_parser(described: str | None) -> argparse.ArgumentParser:
    """Of the arguments that every program has that trains so many steps; `described` is its docstring."""
    parser = argparse.ArgumentParser(description=(described or "").partition("\n")[0])
    parser.add_argument("--bits", nargs=2, type=int, default=(2, 2), metavar=("W", "A"))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=15)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, action="append")
    return parser


def main() -> None:
    parser = training_parser(__doc__)
    parser.add_argument("--backend", default="torch", choices=list(CROSS_ENTROPY))
    parser.add_argument("--judged", type=int, default=1000)
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="write report.html of the first seed there"
    )
    given = parser.parse_args()
    task = Task(given.backend, tuple(given.bits), given.batch_size, given.judged)
    reference = task.judge(task.traced.run)
    print(json.dumps({"backend": given.backend, "bits": list(given.bits), "float": reference}), flush=True)
    quantized = task.judge(task.trainable(WAYS[0], given.learning_rate).evaluate)
    curves: dict[int, dict[str, Sequence[Point]]] = {}
    print(json.dumps({"quantized": quantized}), flush=True)
    for seed in given.seed or [0, 1, 2]:
        for way in WAYS:
            found = task.train(way, seed, given.steps, given.learning_rate, given.every)
            curves.setdefault(seed, {})[way] = found["curve"]
            share = recovered(reference[0], quantized[0], found["curve"][-1][0])
            print(json.dumps({**found, "recovered": share}), flush=True)
    if given.report:
        write_page(given.report, task, reference, next(iter(curves.values())))


if __name__ == "__main__":
    main()

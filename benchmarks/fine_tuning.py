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
from collections.abc import Callable
from typing import Any

import numpy as np

from clika_core.backend.interface import Removals
from clika_core.backend.trainable import Setup, Trainable
from clika_core.demo.data import load_images
from clika_core.pipeline.data import Batches
from clika_core.pipeline.fine_tuning import learned_scales
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.plugins.registry import backend_named, find_target
from clika_core.settings.model import Settings
from clika_core.training.program import Distillation, QuantizedProgram
from clika_core.training.schedule import LearningRateSchedule

WARM_UP = 5
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
            program = QuantizedProgram(
                found.simulation, learned, Distillation(model.preprocess(Removals({})))
            )
        initial = {} if learned is None else learned.initial
        return model.trainable(
            Setup(program, lambda o, t: {"ce": self._loss(o, t)}, learned=initial, learning_rate=rate)
        )

    def judge(self, run: Callable[[Any], Any]) -> tuple[float, float]:
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


def recovered(float_accuracy: float, curve: list[tuple[float, float]]) -> float:
    """The share of the accuracy lost by quantization that the last point has back."""
    lost = float_accuracy - curve[0][0]
    return (curve[-1][0] - curve[0][0]) / lost if lost > 0 else math.nan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--backend", default="torch", choices=list(CROSS_ENTROPY))
    parser.add_argument("--bits", nargs=2, type=int, default=(2, 2), metavar=("W", "A"))
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--every", type=int, default=20)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--judged", type=int, default=1000)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, action="append")
    given = parser.parse_args()
    task = Task(given.backend, tuple(given.bits), given.batch_size, given.judged)
    reference = task.judge(task.traced.run)
    print(json.dumps({"backend": given.backend, "bits": list(given.bits), "float": reference}), flush=True)
    for seed in given.seed or [0, 1, 2]:
        for way in WAYS:
            found = task.train(way, seed, given.steps, given.learning_rate, given.every)
            share = recovered(reference[0], found["curve"])
            print(json.dumps({**found, "recovered": share}), flush=True)


if __name__ == "__main__":
    main()

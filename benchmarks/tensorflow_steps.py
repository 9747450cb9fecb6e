"""What fake quantization costs in steps that XLA compiles: Keras' demo network, quantized over float.

    python -m benchmarks.tensorflow_steps -o benchmarks/results/tensorflow_steps.md --about "2 cores, idle"

Forward alone, and forward with the gradients of every trained variable, each compiled by `tf.function` with and
without XLA; both models own their variables and run through the same interpreter. Processor time of one step, the
shortest of all runs, the two models taking turns.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

for _variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_variable, "1")  # before TensorFlow reads them

from clika_tensorflow.quiet_import import import_tensorflow  # noqa: E402

tf = import_tensorflow()

import numpy as np  # noqa: E402

import clika_core as clika  # noqa: E402
from benchmarks.publishing import parser_of_page, publish  # noqa: E402
from clika_core.demo.data import load_images  # noqa: E402
from clika_core.pipeline.data import Batches  # noqa: E402
from clika_core.pipeline.quantization import quantize_traced  # noqa: E402
from clika_core.targets.ort import ORT  # noqa: E402
from clika_tensorflow.demo_network import demo_network  # noqa: E402

Step = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Row:
    """Milliseconds of one step of both models."""

    step: str
    compiler: str
    float_ms: float
    quantized_ms: float


def models(images: Any) -> tuple[Any, Any]:
    """The native float model and the native quantized one."""
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    traced = clika.trace(demo_network(), images[:2])
    batches = Batches([(images[:100],)])
    found = quantize_traced(traced, settings, ORT, batches, lambda _: None)
    return found.model.native(_as_traced), found.model.native(found.program)


def _as_traced(model: Any, inputs: Any) -> tuple[Any, ...]:
    """Every layer as it was traced, batch norms folded as in the quantized model."""
    outputs: tuple[Any, ...] = model.interpret(inputs, lambda call: call.run())
    return outputs


def forward(model: Any) -> Step:
    """Logits."""
    return lambda images, labels: model(images)  # noqa: ARG005 - every step takes both


def backward(model: Any) -> Step:
    """Loss and gradients."""

    def step(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x)))
        return loss, tape.gradient(loss, [each.value for each in model.trainable_variables])

    return step


def rows(batch: int, runs: int) -> Iterator[Row]:
    """Both steps under both compilers."""
    data = load_images()
    images = data.calibration.images.transpose(0, 2, 3, 1)
    both = dict(zip(("float", "quantized"), models(images), strict=True))
    x, y = tf.constant(images[:batch]), tf.constant(np.asarray(data.calibration.labels[:batch], np.int32))
    for name, make in (("forward", forward), ("forward and backward", backward)):
        for compiler, is_jitted in (("graph", False), ("XLA", True)):
            steps = {key: tf.function(make(model), jit_compile=is_jitted) for key, model in both.items()}
            best = _fastest(steps, x, y, runs)
            print(f"{name}, {compiler}: {best}", flush=True)
            yield Row(name, compiler, best["float"], best["quantized"])


def _fastest(steps: Mapping[str, Step], x: Any, y: Any, runs: int) -> dict[str, float]:
    best = dict.fromkeys(steps, float("inf"))
    for step in steps.values():
        step(x, y)  # compiles
    for _ in range(runs):
        for name, step in steps.items():
            started = time.process_time()
            tf.nest.map_structure(lambda value: value.numpy(), step(x, y))
            best[name] = min(best[name], 1e3 * (time.process_time() - started))
    return best


def page(found: list[Row], batch: int, about: str) -> str:
    """The table."""
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("tensorflow-cpu", "keras"))
    lines = [
        "# Compiled steps of a fake-quantized network",
        "",
        f"Keras' demo network, {batch} images, one thread; processor milliseconds of one step.",
        f"{datetime.date.today()}, {versions}. {about}",
        "",
        "| step | compiled by | float | quantized | ratio |",
        "|---|---|---|---|---|",
        *(
            f"| {row.step} | {row.compiler} | {row.float_ms:.1f} | {row.quantized_ms:.1f} "
            f"| {row.quantized_ms / row.float_ms:.2f} |"
            for row in found
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = parser_of_page(__doc__)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--runs", type=int, default=8)
    options = parser.parse_args()
    text = page(list(rows(options.batch, options.runs)), options.batch, options.about)
    publish(text, options.output)


if __name__ == "__main__":
    main()

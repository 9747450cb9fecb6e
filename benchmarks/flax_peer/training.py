"""Fine-tuning beside Qwix: the demo's network in Flax, the batches, steps, optimizer and schedule of `fine_tuning`.

    python -m benchmarks.flax_peer.training --bits 2 2 --steps 60 --seed 2

Needs what `benchmarks.flax_peer` does. The head stays float, as it does here, and norms go by their running
statistics, as they do here, where they are folded. The ways that Qwix has to train a quantized network:

qwix for odml  `OdmlQatProvider`: fake quantization of weights per channel and of results per tensor, depthwise
               convolutions too, gradients straight through; scales of results are means over all batches so far
qwix           `QtProvider`: operands of convolutions in codes whose scales are each batch's, gradients straight
               through, 8 bits on a CPU. Depthwise convolutions stay float: of grouped ones it has no gradient
qwix, grouped  the same with them, to see the error
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import optax
import qwix
from flax import nnx

from benchmarks.fine_tuning import WARM_UP, training_parser
from benchmarks.flax_peer.networks import demo_network, last_axis
from clika_core.demo.data import load_images
from clika_core.training.schedule import LearningRateSchedule

Array = Any
Bits = tuple[int, int]

GROUPED: Final = "depthwise"
_ASYMMETRIC: Final = (4, 8)  # bits of activations for which Qwix has a zero point


def floating(_: Bits, __: Array) -> nnx.Module:
    """The demo's network."""
    return demo_network(load_images())


def of_batches(bits: Bits, images: Array, left_out: str = f"head|.*{GROUPED}") -> nnx.Module:
    """Codes with scales of each batch."""
    return _quantized(bits, images, qwix.QtProvider, qwix.QtRule, left_out)


def with_grouped(bits: Bits, images: Array) -> nnx.Module:
    """The same, grouped convolutions too: no gradient."""
    return of_batches(bits, images, "head")


def for_odml(bits: Bits, images: Array) -> nnx.Module:
    """Fake quantization with running scales, which begin with the calibration images."""
    model = _quantized(bits, images, qwix.OdmlQatProvider, qwix.QuantizationRule, "head")
    model(images)
    return model


def _quantized(bits: Bits, images: Array, provider: Any, rule: Any, left_out: str) -> nnx.Module:
    weights, activations = (f"int{number}" for number in bits)
    given: dict[str, Any] = {"weight_qtype": weights, "act_qtype": activations}
    if bits[1] not in _ASYMMETRIC:
        given["act_calibration_method"] = "absmax"
    rules = [rule(module_path=f"^(?!{left_out}).*", **given)]
    made: nnx.Module = qwix.quantize_model(floating(bits, images), provider(rules), images[:2])
    return made


MAKERS: Final[Mapping[str, Callable[[Bits, Array], nnx.Module]]] = {
    "float": floating,
    "qwix for odml": for_odml,
    "qwix": of_batches,
    "qwix, grouped": with_grouped,
}


def cross_entropy(logits: Array, labels: Array) -> Array:
    """The mean over the batch."""
    return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()


def train(model: nnx.Module, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """The curve, and processor seconds per step, as `benchmarks.fine_tuning_peers` has them.

    The first step compiles, and does not count.
    """
    data, draws = load_images(), np.random.default_rng(seed)
    images, labels = last_axis(data.train.images), data.train.labels
    judged = jnp.asarray(last_axis(data.test.images)), jnp.asarray(data.test.labels)
    definition, params, rest = nnx.split(model, nnx.Param, ...)
    transformation = optax.scale_by_adam()
    moments = transformation.init(params)

    @jax.jit
    def step(params: Any, rest: Any, moments: Any, rate: Any, x: Array, y: Array) -> Any:
        def loss(params: Any) -> tuple[Array, Any]:
            whole = nnx.merge(definition, params, rest, copy=True)
            found = cross_entropy(whole(x), y)
            return found, nnx.split(whole, nnx.Param, ...)[2]

        slopes, others = jax.grad(loss, has_aux=True)(params)
        updates, moments = transformation.update(slopes, moments, params)
        return jax.tree.map(lambda p, u: p - rate * u, params, updates), others, moments

    @jax.jit
    def run(params: Any, rest: Any, x: Array) -> Array:
        whole = nnx.merge(definition, params, rest, copy=True)
        whole.set_attributes(disable_quant_stats_update=True, raise_if_not_found=False)
        return whole(x)

    def judge() -> tuple[float, float]:
        logits = jnp.concatenate([run(params, rest, x) for x in jnp.split(judged[0], 10)])
        return float((logits.argmax(1) == judged[1]).mean()), float(cross_entropy(logits, judged[1]))

    schedule = LearningRateSchedule(warmup_epochs=1, warmup_steps=WARM_UP, num_epochs=1, is_cosine=True)
    curve, seconds = [judge()], []
    for number in range(given.steps):
        rows = draws.choice(len(labels), given.batch_size, replace=False)
        rate = given.learning_rate * schedule.factor(1, number, given.steps)
        x, y = jnp.asarray(images[rows]), jnp.asarray(labels[rows])
        started = time.process_time()
        params, rest, moments = jax.block_until_ready(step(params, rest, moments, rate, x, y))
        seconds.append(time.process_time() - started)
        if (number + 1) % given.every == 0:
            curve.append(judge())
    return {"curve": curve, "seconds_per_step": float(np.median(seconds[1:]))}


def main() -> None:
    parser = training_parser(__doc__)
    parser.add_argument("--tool", action="append", choices=list(MAKERS))
    given = parser.parse_args()
    calibration = jnp.asarray(last_axis(load_images().calibration.images))
    bits = tuple(given.bits)
    for tool in given.tool or MAKERS:
        for seed in given.seed or [0, 1, 2]:
            found = train(MAKERS[tool](bits, calibration), seed, given)
            print(json.dumps({"tool": tool, "bits": bits, "seed": seed, **found}), flush=True)


if __name__ == "__main__":
    main()

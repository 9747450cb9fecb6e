"""Compiled steps of quantized JAX models over those of the float models: forward, and forward with backward.

    python -m benchmarks.jax_steps -o benchmarks/results/jax_steps.md --about "2 cores, idle"

Processor time on one thread, the shortest of all runs, float and quantized taking turns; and what JAX takes to trace
and compile each. The float step is the user's own function under `jax.jit`, scans included. A backward step gives
gradients of the sum of squares to every parameter.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

import clika_core as clika
import clika_jax
from benchmarks.publishing import parser_of_page, publish
from clika_core.demo.data import load_images
from clika_jax.demo_network import demo_network

Params = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A model with the batch of its steps, which also calibrates it."""

    name: str
    model: clika_jax.Model
    batch: Any


def demo() -> Case:
    """The demo's residual network."""
    return Case("demo network, batch of 32", demo_network(), load_images().calibration.images[:32])


def decoder(name: str, *, layers: int, size: int, length: int, batch: int, is_scanned: bool) -> Case:
    """A pre-norm decoder; its equal blocks are scanned over, or called one after the other."""
    random = np.random.default_rng(0)

    def drawn(*shape: int) -> Any:
        return jnp.asarray(random.standard_normal(shape) / np.sqrt(shape[-2]), jnp.float32)

    def ones(*shape: int) -> Any:
        return jnp.ones(shape, jnp.float32)

    shapes = {
        "qkv": (size, 3 * size),
        "join": (size, size),
        "grow": (size, 4 * size),
        "shrink": (4 * size, size),
    }
    blocks = {key: drawn(layers, *shape) for key, shape in shapes.items()}
    blocks |= {key: ones(layers, size) for key in ("norm1", "norm2")}
    params = {
        "embed": drawn(256, size),
        "places": 0.1 * drawn(length, size),
        "blocks": blocks,
        "norm": ones(size),
    }
    mask = jnp.tril(jnp.ones((1, 1, length, length), bool))

    def block(x: Any, own: Params) -> Any:
        heads = jnp.split(_norm(x, own["norm1"]) @ own["qkv"], 3, axis=-1)
        q, k, v = (h.reshape(*h.shape[:2], 4, -1) for h in heads)
        y = jax.nn.dot_product_attention(q, k, v, mask=mask)
        x = x + y.reshape(x.shape) @ own["join"]
        return x + jax.nn.gelu(_norm(x, own["norm2"]) @ own["grow"]) @ own["shrink"]

    def forward(params: Params, ids: Any) -> Any:
        x = params["embed"][ids] + params["places"]
        if is_scanned:
            x, _ = lax.scan(lambda x, own: (block(x, own), None), x, params["blocks"])
        else:
            for index in range(layers):
                x = block(x, jax.tree.map(lambda a, i=index: a[i], params["blocks"]))
        return _norm(x, params["norm"]) @ params["embed"].T

    ids = random.integers(0, 256, (batch, length)).astype(np.int32)
    return Case(name, clika_jax.Model(forward, params), ids)


def _norm(x: Any, scale: Any) -> Any:
    mean = x.mean(-1, keepdims=True)
    variance = jnp.square(x - mean).mean(-1, keepdims=True)
    return (x - mean) * lax.rsqrt(variance + 1e-6) * scale


CASES: Mapping[str, Callable[[], Case]] = {
    "demo": demo,
    "decoder": lambda: decoder(
        "4 blocks of 192, 64 tokens, batch of 8",
        layers=4,
        size=192,
        length=64,
        batch=8,
        is_scanned=False,
    ),
    "scan": lambda: decoder(
        "the same 12 times, scanned",
        layers=12,
        size=192,
        length=64,
        batch=8,
        is_scanned=True,
    ),
}


@dataclass(frozen=True)
class Step:
    """Seconds of the first call, and of the shortest one after it."""

    first: float
    best: float


def steps(functions: Sequence[Callable[[], Any]], runs: int) -> list[Step]:
    """Of each function, all taking turns."""
    first = [_seconds(function) for function in functions]
    best = [float("inf")] * len(functions)
    for _ in range(runs):
        best = [min(held, _seconds(function)) for held, function in zip(best, functions, strict=True)]
    return [Step(*each) for each in zip(first, best, strict=True)]


def _seconds(function: Callable[[], Any]) -> float:
    started = time.process_time()
    jax.block_until_ready(function())  # type: ignore[no-untyped-call]
    return time.process_time() - started


def rows(case: Case, runs: int) -> Iterator[str]:
    """The step forward, and the one with the backward pass."""
    result = clika.compress(case.model, calibration_data=[case.batch], output_dir=None)
    layers = result.plan.graph.layers
    quantized = f"{len(result.plan.quantized)} of {len(layers)}"
    pairs = ((case.model.fn, case.model.params), (result.model.apply, result.model.params))
    for kind, made in (("forward", _forward), ("forward and backward", _backward)):
        float_step, own = steps([made(fn, params, case.batch) for fn, params in pairs], runs)
        cells = (
            f"{1e3 * float_step.best:.2f}",
            f"{1e3 * own.best:.2f}",
            f"{own.best / float_step.best:.2f}",
            f"{float_step.first:.1f}",
            f"{own.first:.1f}",
        )
        yield f"| {case.name} | {quantized} | {kind} | {' | '.join(cells)} |"


def _forward(function: Any, params: Any, batch: Any) -> Callable[[], Any]:
    compiled, given = jax.jit(function), jnp.asarray(batch)
    return lambda: compiled(params, given)


def _backward(function: Any, params: Any, batch: Any) -> Callable[[], Any]:
    def loss(params: Any, batch: Any) -> Any:
        return sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(function(params, batch)))

    return _forward(jax.grad(loss), params, batch)


def page(cases: Sequence[str], runs: int, about: str) -> str:
    """The table."""
    lines = [
        "# Steps of JAX",
        "",
        f"{datetime.date.today()}, jax {metadata.version('jax')}. {about}",
        "",
        "| model | layers quantized | step | float, ms | quantized, ms | ratio | float: first call, s "
        "| quantized: first call, s |",
        "|---|---|---|---|---|---|---|---|",
        *(row for name in cases for row in rows(CASES[name](), runs)),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = parser_of_page(__doc__)
    parser.add_argument("--cases", nargs="*", choices=CASES, default=list(CASES))
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    text = page(options.cases, options.runs, options.about)
    publish(text, options.output)


if __name__ == "__main__":
    main()

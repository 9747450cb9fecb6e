"""A user's file: a model with a dict of inputs and two outputs, data, metrics, and what goes wrong in such files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch

COUNT = 80


def make() -> LoopbackModel:
    s = Sketch(3, "rater")
    seen = s.op("relu", s.batch_norm(s.conv(s.input("image", 3, 8, 8), 3, 8), 8))
    pooled = s.op("flatten", s.op("adaptive_avg_pool", seen, output_size=(1, 1)))
    facts = s.op("relu", s.linear(s.input("facts", 4), 4, 8))
    hidden = s.op("relu", s.linear(s.op("concat", pooled, facts, axis=1), 16, 16))
    s.model.output(s.linear(hidden, 16, 5), "scores")
    s.model.output(s.linear(hidden, 16, 1), "rating")
    return s.model


def make_small() -> LoopbackModel:
    s = Sketch(3, "small")
    s.model.output(s.op("relu", s.conv(s.input("image", 3, 8, 8), 3, 8)))
    return s.model


def arrays() -> dict[str, Any]:
    draws = np.random.default_rng(1)
    return {
        "image": draws.standard_normal((COUNT, 3, 8, 8)).astype(np.float32),
        "facts": draws.standard_normal((COUNT, 4)).astype(np.float32),
    }


def write_npz(path: str, **changes: Any) -> None:
    parts: dict[str, Any] = {f"inputs.{name}": array for name, array in arrays().items()}
    parts["targets"] = np.random.default_rng(2).integers(0, 5, COUNT)
    np.savez(path, **{name: array for name, array in {**parts, **changes}.items() if array is not None})


def batches() -> Iterator[tuple[dict[str, Any], Any]]:
    whole = arrays()
    for start in range(0, COUNT, 10):
        part = slice(start, start + 10)
        yield {name: array[part] for name, array in whole.items()}, np.arange(start, start + 10) % 5


def accuracy(outputs: dict[str, Any], targets: Any) -> float:
    return float((outputs["scores"].argmax(1) == targets).mean())


def needs(path: str) -> str:
    return path


def raises() -> Any:
    raise RuntimeError("the disk is full")


def raises_later() -> Iterator[Any]:
    yield next(batches())
    raise RuntimeError("the disk is full")


def nothing() -> None:
    return None


number = 3

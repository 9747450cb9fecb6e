"""The samples that techniques look at: one batch, joined of the first batches of calibration data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, TracedModel
from clika_core.ir.graph import Graph

MAX_SAMPLES: Final = 64  # four times as many change a corrected bias by less than its rounding
MAX_ELEMENTS: Final = 2**25  # of the largest value of a layer: 128 MiB in float32


@dataclass
class _Joined:
    """Batches of one size."""

    batches: list[Sequence[Array]] = field(default_factory=list)
    num_samples: int = 0


def joined_samples(model: TracedModel, batches: Iterable[Sequence[Array]]) -> Sequence[Array]:
    """Native inputs beside `graph.inputs`: whole batches, at least one, while they fit and can be joined.

    Batches are joined along the first axis, which every input must be free in. Where a length is free, those of one
    length are joined: the first that are enough, or the most.
    """
    limit = _limit(model.graph)
    joined: list[_Joined] = []
    for batch in batches:
        size = int(batch[0].shape[0]) if len(batch[0].shape) else 1
        fitting = next((one for one in joined if _can_join(model.graph, one.batches[0], batch)), None)
        if fitting is None:
            if joined and not _is_free(model.graph):
                break
            joined.append(fitting := _Joined())
        elif fitting.num_samples + size > limit:
            break
        fitting.batches.append(batch)
        fitting.num_samples += size
        if fitting.num_samples >= limit:
            break
    held = max(joined, key=lambda one: one.num_samples).batches
    if len(held) == 1:
        return held[0]
    columns = zip(
        *([np.asarray(model.arrays.to_numpy(array)) for array in batch] for batch in held), strict=True
    )
    return model.native_inputs([np.concatenate(column) for column in columns])


@lru_cache(maxsize=16)
def chosen_rows(count: int, limit: int) -> NDArray[np.int64]:
    """At most `limit` of `count` rows, the same ones whenever there are as many."""
    return np.random.default_rng(0).permutation(count)[:limit].copy()


def _limit(graph: Graph) -> int:
    """How many samples fit, by the largest value of one sample."""
    largest = max(
        (_per_sample(value.example_shape) for node in graph.layers for value in node.outputs), default=1
    )
    return max(1, min(MAX_SAMPLES, MAX_ELEMENTS // max(largest, 1)))


def _per_sample(shape: Sequence[int]) -> int:
    return prod(shape[1:])


def _is_free(graph: Graph) -> bool:
    """Whether more than the batch is free, so that batches of other sizes may follow."""
    return any(isinstance(size, str) for node in graph.inputs for size in node.outputs[0].shape[1:])


def _can_join(graph: Graph, first: Sequence[Array], batch: Sequence[Array]) -> bool:
    return all(
        node.outputs[0].shape[:1] and isinstance(node.outputs[0].shape[0], str) and a.shape[1:] == b.shape[1:]
        for node, a, b in zip(graph.inputs, first, batch, strict=True)
    )

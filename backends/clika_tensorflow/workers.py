"""`TensorFlowWorkers`: the processes that a `TF_CONFIG` names, under `tf.distribute`.

    from clika_tensorflow.workers import join
    join()          # before anything else that TensorFlow does

TensorFlow connects its processes by a `MultiWorkerMirroredStrategy`, which has to be there before the first tensor
is; that is why a program says it, and no setting. Every process holds the whole model; the strategy reduces
gradients.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final, final

import numpy as np
import tensorflow as tf

from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import ModelError

CLUSTER: Final = "TF_CONFIG"


@final
class TensorFlowWorkers(Workers):
    """The workers of a strategy. Messages are gathered as bytes."""

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        """Every process makes one at the same time. Raises ModelError where one has several devices."""
        resolver = strategy.cluster_resolver
        self.rank, self.count = int(resolver.task_id), len(_workers())
        self._strategy = strategy
        if strategy.num_replicas_in_sync != self.count:
            raise ModelError(
                "a process of this strategy has several devices",
                found=f"{strategy.num_replicas_in_sync} devices, {self.count} processes",
                expected="one device per process",
                fix="start a process per device, each with its own CUDA_VISIBLE_DEVICES",
            )
        self._mean = tf.function(self._reduced, autograph=False, reduce_retracing=True)
        self._rows = tf.function(self._gathered, autograph=False, reduce_retracing=True)

    def gather(self, message: bytes) -> Sequence[bytes]:
        """Every worker's message, by rank."""
        sizes = self._rows(tf.constant([[len(message)]], tf.int32)).numpy()[:, 0]
        padded = np.zeros((1, max(int(sizes.max()), 1)), np.int32)  # no collective knows uint8
        padded[0, : len(message)] = np.frombuffer(message, np.uint8)
        rows = self._rows(tf.constant(padded)).numpy().astype(np.uint8)
        return [row[:size].tobytes() for row, size in zip(rows, sizes, strict=True)]

    def mean(self, tensors: Mapping[str, Any]) -> dict[str, Any]:
        """The mean over workers of every tensor, by name; the same bits in all of them."""
        names = sorted(tensors)
        return dict(zip(names, self._mean([tensors[name] for name in names]), strict=True))

    def _reduced(self, tensors: Sequence[Any]) -> Any:
        def replica(own: Sequence[Any]) -> Any:
            context = tf.distribute.get_replica_context()
            placed = [tf.identity(tensor) for tensor in own]  # a collective asks where a tensor is
            return context.all_reduce(tf.distribute.ReduceOp.MEAN, placed)

        return self._strategy.run(replica, args=(tensors,))

    def _gathered(self, row: Any) -> Any:
        def replica(own: Any) -> Any:
            return tf.distribute.get_replica_context().all_gather(tf.identity(own), axis=0)

        return self._strategy.run(replica, args=(row,))


def join(strategy: tf.distribute.Strategy | None = None) -> Workers:
    """Connect this process with the others that `TF_CONFIG` names, or take the strategy that did; alone without.

    A second call gives what the first did.
    """
    if not _joined and len(_workers()) > 1:
        _joined.append(TensorFlowWorkers(strategy or tf.distribute.MultiWorkerMirroredStrategy()))
    return joined()


def joined() -> Workers:
    """The workers of this process. Raises ModelError where there are others, and it did not join them."""
    if not _joined and len(_workers()) > 1:
        raise ModelError(
            f"this process did not join the {len(_workers())} workers that {CLUSTER} names",
            fix="begin the program with: from clika_tensorflow.workers import join; join()",
        )
    return _joined[0] if _joined else ALONE


_joined: list[TensorFlowWorkers] = []


def _workers() -> Sequence[Any]:
    """The addresses of the workers in `TF_CONFIG`, the chief's first; none where it is missing or something else."""
    try:
        cluster = json.loads(os.environ.get(CLUSTER, "{}"))["cluster"]
        return [*cluster.get("chief", ()), *cluster.get("worker", ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()

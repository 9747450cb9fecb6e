"""`JaxWorkers`: the processes that `jax.distributed.initialize` connected, one device each.

Gradients are averaged by XLA: every process's are the rows of one array that is sharded over a mesh of the processes'
devices, and the mean over rows, wanted whole everywhere, is an all-reduce.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from clika_core.backend.workers import ALONE, Workers

AXIS: Final = "workers"


@final
class JaxWorkers(Workers):
    """All processes of `jax.distributed`. Messages are gathered as bytes."""

    def __init__(self) -> None:
        """Every process makes one at the same time."""
        self.rank, self.count = jax.process_index(), jax.process_count()
        own = {device.process_index: device for device in reversed(jax.devices())}
        mesh = Mesh(np.array([own[rank] for rank in range(self.count)]), (AXIS,))
        self._device = own[self.rank]
        self._rows = NamedSharding(mesh, PartitionSpec(AXIS))
        everywhere = NamedSharding(mesh, PartitionSpec())
        self._mean = jax.jit(
            lambda tree: jax.tree.map(lambda rows: rows.mean(axis=0), tree), out_shardings=everywhere
        )

    def gather(self, message: bytes) -> Sequence[bytes]:
        """Every worker's message, by rank."""
        sizes = multihost_utils.process_allgather(np.array([len(message)], np.int32)).reshape(-1)
        padded = np.zeros(max(int(sizes.max()), 1), np.uint8)
        padded[: len(message)] = np.frombuffer(message, np.uint8)
        rows = multihost_utils.process_allgather(padded)
        return [row[:size].tobytes() for row, size in zip(rows, sizes, strict=True)]

    def mean(self, tree: Any) -> Any:
        """The mean over workers of every array in a tree, the same bits in all of them."""
        found = self._mean(jax.tree.map(self._row, tree))
        return jax.tree.map(lambda array: array.addressable_data(0), found)

    def _row(self, array: Any) -> Any:
        row = jax.device_put(jnp.asarray(array)[None], self._device)
        return jax.make_array_from_single_device_arrays((self.count, *array.shape), self._rows, [row])


def joined() -> Workers:
    """The workers of this process; alone where `jax.distributed` connected no others."""
    if not jax.distributed.is_initialized() or jax.process_count() == 1:
        return ALONE
    if not _joined:
        _joined.append(JaxWorkers())
    return _joined[0]


_joined: list[JaxWorkers] = []

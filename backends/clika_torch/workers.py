"""`TorchWorkers`: the processes that `torchrun` started, as a process group of torch's."""

from __future__ import annotations

import atexit
import gc
import os
from collections.abc import Sequence
from typing import Any, final

import torch
import torch.distributed as dist
from torch import Tensor
from torch.utils.data import DistributedSampler

from clika_core.backend.workers import ALONE, Workers

_STARTED_BY = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")  # what a launcher sets


@final
class TorchWorkers(Workers):
    """The members of torch's default process group. Messages go over gloo, as bytes; nothing is pickled."""

    def __init__(self) -> None:
        """Every member makes one at the same time."""
        self.rank, self.count = dist.get_rank(), dist.get_world_size()
        self._messages = dist.new_group(backend="gloo")

    def gather(self, message: bytes) -> Sequence[bytes]:
        """Every worker's message, by rank."""
        own = torch.frombuffer(bytearray(message or b"\0"), dtype=torch.uint8)[: len(message)]
        sizes = [torch.zeros(1, dtype=torch.int64) for _ in range(self.count)]
        dist.all_gather(sizes, torch.tensor([len(message)]), group=self._messages)
        longest = max(int(size) for size in sizes)
        padded = torch.cat([own, torch.zeros(longest - len(message), dtype=torch.uint8)])
        found = [torch.zeros(longest, dtype=torch.uint8) for _ in sizes]
        dist.all_gather(found, padded, group=self._messages)
        return [_bytes(text[: int(size)]) for text, size in zip(found, sizes, strict=True)]

    def is_divided(self, dataset: Any) -> bool:
        """Whether a data loader draws by a `DistributedSampler`."""
        return _divided_sampler(dataset) is not None

    def begin_epoch(self, dataset: Any, epoch: int) -> None:
        """Let a `DistributedSampler` shuffle for this epoch."""
        sampler = _divided_sampler(dataset)
        if sampler is not None:
            sampler.set_epoch(epoch)

    @property
    def device(self) -> torch.device:
        """Where this worker computes: the GPU of its number on this machine, else the CPU."""
        if not torch.cuda.is_available():
            return torch.device("cpu")
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", self.rank % torch.cuda.device_count())))


_joined: list[Workers] = []


def joined() -> Workers:
    """The workers of this process, joined at the first call; alone where no launcher started it."""
    if not _joined and _is_launched():
        _joined.append(_join())
    return _joined[0] if _joined else ALONE


def _is_launched() -> bool:
    return dist.is_available() and (dist.is_initialized() or all(name in os.environ for name in _STARTED_BY))


def _join() -> TorchWorkers:
    if not dist.is_initialized():
        has_gpus = torch.cuda.is_available()
        if has_gpus:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        dist.init_process_group("cpu:gloo,cuda:nccl" if has_gpus else "gloo")
        atexit.register(_leave)
    return TorchWorkers()


def _leave() -> None:
    """End the group's threads while the interpreter lives: one that lets go of a tensor later aborts the process.

    The group ends with the last thing that holds it; engines of finished trainings may still wait for the collector.
    """
    _joined.clear()
    if dist.is_initialized():
        dist.destroy_process_group()
    gc.collect()


def _divided_sampler(dataset: Any) -> DistributedSampler[Any] | None:
    for sampler in (getattr(dataset, "sampler", None), getattr(dataset, "batch_sampler", None)):
        found = getattr(sampler, "sampler", sampler)
        if isinstance(found, DistributedSampler):
            return found
    return None


def _bytes(text: Tensor) -> bytes:
    return text.numpy().tobytes()

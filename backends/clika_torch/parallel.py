"""A native model as several workers train it: PyTorch's DistributedDataParallel, or FSDP.

alone      the model itself
DDP        a copy in every worker; gradients are averaged while the backward pass runs
FSDP       parameters, gradients and the optimizer's state are shared out; the model is put together for each pass
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from clika_core.backend.trainable import Trained, TrainedProgram
from clika_core.backend.workers import Workers
from clika_core.errors import SettingsError

if TYPE_CHECKING:
    from clika_torch.native_model import NativeModel


class Pass(nn.Module):
    """One forward pass: what training needs of the native model, as a module that an engine can wrap."""

    def __init__(self, native: NativeModel, program: TrainedProgram) -> None:
        """`native` is a part of it, and keeps its parameters."""
        super().__init__()
        self.native = native
        self._program = program

    def forward(self, arrays: Sequence[Tensor], is_trained: bool) -> Trained:
        """The graph's outputs, and in training what the program adds to the losses."""
        own = self.native.traced()
        if is_trained:
            return self._program.with_losses(own, arrays)
        return Trained(self._program(own, arrays), {}, {})

    def use(self, program: TrainedProgram) -> None:
        """Compute by another program from now on."""
        self._program = program


class Engine:
    """Runs passes in one process. `gradients` averages what the pass itself did not."""

    def __init__(self, native: NativeModel, program: TrainedProgram) -> None:
        """Wrap nothing."""
        self._pass: Any = Pass(native, program)

    def train(self, arrays: Sequence[Tensor]) -> Trained:
        """A pass whose backward leads to gradients over all workers."""
        found: Trained = self._pass(arrays, True)
        return found

    def evaluate(self, arrays: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The graph's outputs."""
        outputs: tuple[Tensor, ...] = self._pass(arrays, False).outputs
        return outputs

    def use(self, program: TrainedProgram) -> None:
        """Compute by another program from now on."""
        self._pass.use(program)

    def gather_gradients(self) -> None:
        """Average the gradients that passes do not."""

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Inside, the native model's parameters are whole tensors."""
        yield


class DataParallel(Engine):
    """DistributedDataParallel: made at the first training pass, when it is settled what is trained."""

    def __init__(self, native: NativeModel, program: TrainedProgram) -> None:
        """Wrap the pass later."""
        super().__init__(native, program)
        self._wrapped: Any = None

    def train(self, arrays: Sequence[Tensor]) -> Trained:
        """A pass through the wrapper. The traced program is the same every time, so unused parameters are known."""
        if self._wrapped is None:
            self._wrapped = nn.parallel.DistributedDataParallel(
                self._pass, broadcast_buffers=False, static_graph=True
            )
        found: Trained = self._wrapped(arrays, True)
        return found


class Sharded(Engine):
    """FSDP over the whole model at once. Scalars cannot be shared out: their gradients are averaged here."""

    def __init__(
        self, native: NativeModel, program: TrainedProgram, workers: Workers, *, is_offloaded: bool
    ) -> None:
        """Share the parameters out; those of `native` are `DTensor`s from now on, in host memory if offloaded."""
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import CPUOffloadPolicy, OffloadPolicy, fully_shard

        super().__init__(native, program)
        self._workers = workers
        self._scalars = [p for p in native.parameters() if p.dim() == 0]
        device = next(native.parameters()).device.type
        fully_shard(
            self._pass,
            mesh=init_device_mesh(device, (workers.count,)),
            reshard_after_forward=True,
            ignored_params=set(self._scalars),
            offload_policy=CPUOffloadPolicy(pin_memory=device != "cpu") if is_offloaded else OffloadPolicy(),
        )

    def gather_gradients(self) -> None:
        """The mean over workers of every scalar's gradient."""
        for scalar in self._scalars:
            if scalar.grad is not None:
                torch.distributed.all_reduce(scalar.grad)
                scalar.grad /= self._workers.count

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Put the parameters together, and share them out again."""
        self._pass.unshard()
        try:
            yield
        finally:
            self._pass.reshard()


def engine(
    native: NativeModel,
    program: TrainedProgram,
    workers: Workers,
    *,
    is_sharded: bool,
    is_offloaded: bool = False,
) -> Engine:
    """What runs the passes of a native model. Raises SettingsError where parameters cannot be kept elsewhere."""
    if is_offloaded and (workers.count == 1 or not is_sharded):
        raise SettingsError(
            "training_settings.params_offloading goes with sharding: FSDP is what moves parameters in PyTorch",
            found=f"use_sharding: {str(is_sharded).lower()}, {workers.count} process(es)",
            fix="set multi_gpu and use_sharding and start several processes, or remove the setting",
        )
    if workers.count == 1:
        return Engine(native, program)
    if is_sharded:
        return Sharded(native, program, workers, is_offloaded=is_offloaded)
    return DataParallel(native, program)

"""`TorchTrainable`: gradients and optimizer of a native model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.graph import save_on_cpu

from clika_core.backend.nested import mapped
from clika_core.backend.trainable import (
    FROM_SCRATCH,
    HALF,
    NativeState,
    Setup,
    Statistics,
    Trainable,
    TrainedProgram,
)
from clika_torch.arrays import to_numpy
from clika_torch.inputs import as_tensors, fitting_tensors
from clika_torch.interpreter import build_result
from clika_torch.native_model import LEARNED
from clika_torch.optimizer import Rebuilt, built_in, named_parameters, rebuilt, rebuilt_by_position
from clika_torch.parallel import engine
from clika_torch.precision import in_float32, loss_scaler, store_weights
from clika_torch.saved_optimizer import load_moments, load_optimizer, optimizer_state, saved_class
from clika_torch.saved_tensors import load_tensors, saved_tensors
from clika_torch.sharded import clip_gradients, whole
from clika_torch.traced_model import TorchTracedModel

OFFLOADING: Final = "training_settings.activations_offloading"
PARAMETERS: Final = "training_settings.params_offloading"
DISTRIBUTED: Final = "distributed_training_settings.multi_gpu"
SHARDING: Final = "distributed_training_settings.use_sharding"
WEIGHTS: Final = "training_settings.weights_dtype"
CHECKPOINTING: Final = "training_settings.gradient_checkpointing"  # the core's program asks for it
HONOURED: Final = frozenset(
    {CHECKPOINTING, OFFLOADING, PARAMETERS, DISTRIBUTED, SHARDING, HALF, WEIGHTS, FROM_SCRATCH}
)
"""The options of a setup that mean something here."""


class TorchTrainable(Trainable):
    """A `NativeModel` in training mode."""

    def __init__(self, model: TorchTracedModel, setup: Setup) -> None:
        """Make the native model and its optimizer; raises ModelError where that cannot be rebuilt."""
        setup.check_options("torch", HONOURED, scales_losses=True)
        self._setup = setup
        self.native = model.native(setup.program, setup.learned)
        self.native.train()
        store_weights(self.native, setup.options.get(WEIGHTS))
        is_sharded = bool(setup.options.get(SHARDING))
        self._engine = engine(
            self.native,
            setup.program,
            setup.workers,
            is_sharded=is_sharded,
            is_offloaded=bool(setup.options.get(PARAMETERS)),
        )
        made = _optimizer(model, self.native, setup)
        self._optimizer, self.notes, self._user_groups = made.optimizer, made.notes, made.user_groups
        self._optimizer.zero_grad()
        self._scaler = loss_scaler(self.native, setup.options.get(HALF), is_sharded=is_sharded)

    def accumulate(self, inputs: Any, targets: Any, weight: float = 1.0) -> tuple[Mapping[str, float], Any]:
        """Forward and backward on one batch; its gradients, times `weight`, are added."""
        with torch.enable_grad(), self._saved_elsewhere():
            outputs, extra = self._forward(inputs)
            losses = {**self._setup.losses(outputs, targets), **extra}
            total = torch.stack([_scalar(loss) for loss in losses.values()]).sum()
            self._scaler.scale(total * (weight / self._setup.accumulation)).backward()  # type: ignore[no-untyped-call]
        return {name: float(_scalar(loss).detach()) for name, loss in losses.items()}, mapped(
            outputs, _detached
        )

    def apply(self, learning_rate_factor: float, *, are_scales_frozen: bool = False) -> float | None:
        """Clip, and step at every group's learning rate times the factor."""
        self._engine.gather_gradients()
        self._scaler.unscale_(self._optimizer)
        norm = self._clipped()
        frozen = list(self.native.learned().values()) if are_scales_frozen else []
        before = [scale.detach().clone() for scale in frozen]
        groups = self._optimizer.param_groups
        rates = [group["lr"] for group in groups]
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate * learning_rate_factor
        self._scaler.step(self._optimizer)
        self._scaler.update()
        for group, rate in zip(groups, rates, strict=True):
            group["lr"] = rate
        for scale, value in zip(frozen, before, strict=True):
            scale.data.copy_(value)
        self._optimizer.zero_grad()
        return norm

    def evaluate(self, inputs: Any) -> Any:
        """The model's result for one batch, without gradients."""
        with torch.no_grad():
            own = self.native.traced()
            arrays = self._arrays(own, inputs)
            outputs = self._engine.evaluate(arrays)
            return build_result(own.trace.program, outputs, own.held, arrays)

    def place(self, targets: Any) -> Any:
        """Tensors in nested containers on the model's device; anything else as it is."""
        device = self.native.traced().held.device
        return mapped(targets, lambda leaf: leaf.to(device) if isinstance(leaf, Tensor) else leaf)

    def traced(self) -> TorchTracedModel:
        """The preprocessed traced model over copies of the weights as they are now."""
        with self._engine.whole():
            own = self.native.traced()
            held = own.held.copy()
            kept = in_float32(held) if self._setup.options.get(WEIGHTS) else held
            return TorchTracedModel(own.trace, kept, own.removed)

    def learning_rates(self) -> Sequence[float]:
        """The learning rate of each group of weights."""
        scales = {id(scale) for scale in self.native.learned().values()}
        groups = self._optimizer.param_groups
        held = [group for group in groups if not scales.issuperset(map(id, group["params"]))]
        return [float(group["lr"]) for group in held]

    def use(self, program: TrainedProgram, statistics: Statistics = MappingProxyType({})) -> None:
        """Go on with another program over the same parameters."""
        self.native.keep({key: torch.as_tensor(value) for key, value in statistics.items()})
        self.native.use(program)
        self._engine.use(program)

    def set_learning_rate(self, rate: float) -> None:
        """Give the fastest group of weights this learning rate, and every other one its share of it."""
        fastest = max(self.learning_rates(), default=0.0)
        for group in self._optimizer.param_groups:
            group["lr"] = rate * (float(group["lr"]) / fastest if fastest else 1.0)

    def state(self) -> NativeState:
        """Parameters, buffers and the optimizer."""
        arrays, values = optimizer_state(self._optimizer, named_parameters(self.native))
        tensors = saved_tensors(self.native)
        plain = {"optimizer": values, "user_groups": self._user_groups}
        scaling = self._scaler.state_dict()
        return NativeState({**tensors, **arrays}, {**plain, "loss_scaling": scaling} if scaling else plain)

    def load_state(self, state: NativeState) -> None:
        """Take over a state of the same model: weights, and the optimizer with its moments.

        An optimizer of the user's keeps its class and hyper-parameters; moments come from a saved one of its class.
        """
        load_tensors(self.native, state.arrays)
        own, saved = named_parameters(self.native), state.values.get("optimizer")
        if self._setup.optimizer is not None:
            if self._setup.user_model is None:
                self._user_groups = state.values.get("user_groups")
                scales = [name for name in own if name.startswith(f"{LEARNED}.")]
                made = rebuilt_by_position(self._setup.optimizer, own, self._user_groups, scales)
                self._optimizer, self.notes = made.optimizer, made.notes
            load_moments(self._optimizer, own, state.arrays, saved)
        else:
            self._user_groups = state.values.get("user_groups")
            self._optimizer = saved_class(saved)(list(own.values()), lr=self._setup.learning_rate)
            load_optimizer(self._optimizer, own, state.arrays, saved)
        scaling = state.values.get("loss_scaling")
        if isinstance(scaling, dict):
            self._scaler.load_state_dict(scaling)
        held = {id(tensor) for group in self._optimizer.param_groups for tensor in group["params"]}
        for tensor in own.values():
            tensor.requires_grad_(id(tensor) in held)

    def learned(self) -> dict[str, NDArray[np.float32]]:
        """The scales as they are now."""
        return {name: to_numpy(whole(scale)) for name, scale in self.native.learned().items()}

    def memory_bytes(self) -> int | None:
        """The most that torch held on the GPU so far; None on the CPU."""
        device = self.native.traced().held.device
        return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None

    def _saved_elsewhere(self) -> AbstractContextManager[Any]:
        """Keep what the backward pass needs in host memory, where that is asked for."""
        return save_on_cpu() if self._setup.options.get(OFFLOADING) else nullcontext()

    def _forward(self, inputs: Any) -> tuple[Any, Mapping[str, Tensor]]:
        own = self.native.traced()
        arrays = self._arrays(own, inputs)
        outputs, extra, statistics = self._engine.train(arrays)
        self.native.keep(statistics)
        return build_result(own.trace.program, outputs, own.held, arrays), extra

    def _arrays(self, own: TorchTracedModel, inputs: Any) -> list[Tensor]:
        arrays = as_tensors(own.trace.layout.take(inputs), own.held.device)
        return fitting_tensors(arrays, own.graph.inputs)

    def _clipped(self) -> float | None:
        if self._setup.clip_norm is None:
            return None
        held = [p for group in self._optimizer.param_groups for p in group["params"] if p.grad is not None]
        return clip_gradients(held, self._setup.clip_norm, self._setup.clip_norm_type)


def _optimizer(model: TorchTracedModel, native: nn.Module, setup: Setup) -> Rebuilt:
    own = named_parameters(native)
    scales = [name for name in own if name.startswith(f"{LEARNED}.")]
    if setup.optimizer is None or setup.user_model is None:
        return built_in(own, scales, setup.learning_rate)
    return rebuilt(
        setup.optimizer,
        named_parameters(setup.user_model),
        own,
        changed=native.replaced(),  # type: ignore[operator]
        absorbed=_absorbed(model, native),
        scales=scales,
    )


def _absorbed(model: TorchTracedModel, native: Any) -> dict[str, str]:
    """For parameters of removed norms: the native bias of the layer that absorbed them."""
    trace, found = model.trace, {}
    for layer, host in model.removed.items():
        path = None if host is None else native.path_of(host, "bias")
        for ref in trace.regions[layer].weights.values():
            if path is not None and ref.record in trace.program.state:
                found[trace.program.state[ref.record].name] = path
    return found


def _scalar(loss: Any) -> Tensor:
    return loss.reshape(()).float() if isinstance(loss, Tensor) else torch.tensor(float(loss))


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value

"""What a backend does in fine-tuning: gradients, the optimizer's step, and its part of a saved state.

The loop, the schedule, the data, metrics and files are the core's (`clika_core.training`). A backend implements
`Trainable` over its native quantized model; `Setup` is all that it is told.

    for each batch:  losses, outputs = trainable.accumulate(inputs, targets)
    for each step:   norm = trainable.apply(learning_rate_factor)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, TypeAlias

from clika_core.backend.array_ops import Array, ArrayOps
from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import ModelError, SettingsError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from clika_core.backend.interface import TracedModel
    from clika_core.numerics.native_params import NativeParams

HALF: Final = "training_settings.amp_dtype"
"""The option of mixed precision, which the core's program computes in."""

FROM_SCRATCH: Final = "training_settings.is_training_from_scratch"
"""The option under which norms stay, and `Trained.statistics` come up."""

Losses: TypeAlias = Callable[[Any, Any], Mapping[str, Any]]
"""(outputs, targets) -> native scalars by name; their sum is what training lowers."""


class LearningArrays(ArrayOps, Protocol):
    """What learned scales and distillation need of a backend's arrays, beyond `ArrayOps`.

    Here the scale of `QuantParams`, multipliers, divisors and limits of `clip` may be native arrays of the shape
    they have in NumPy.
    """

    def divide(self, array: Array, divisor: Array) -> Array:
        """(d) array / divisor, elementwise, both positive; IEEE, compiled too."""

    def detached(self, array: Array) -> Array:
        """The array itself, without its gradient."""

    def learned_codes(self, codes: Array, params: NativeParams, unrounded: Callable[[], Array]) -> Array:
        """(d) Centred codes, exactly; with a gradient to `params.learned`, which has the shape of the scale.

        That is `params.factor` times the sum of upstream · d / scale over the elements that share the scale: d is
        codes - v where v is within half a code of the format's centred limits, and codes elsewhere. `unrounded`
        gives v, without gradients; it need not be called where none are wanted.
        """

    def relative_error(self, array: Array, reference: Array) -> Array:
        """(d) Sum of (array - reference)**2 over the sum of reference**2, a scalar; no gradient to `reference`."""

    def divergence(self, logits: Array, reference: Array, temperature: float) -> Array:
        """(d) Mean Kullback-Leibler divergence of softmax(logits / T) from softmax(reference / T), times T**2.

        Along the last axis (Hinton et al. 2015, section 2). A scalar; no gradient to `reference`.
        """

    def recomputed(
        self, function: Callable[[Sequence[Array]], tuple[Array, ...]], arrays: Sequence[Array]
    ) -> tuple[Array, ...]:
        """(d) function(arrays), of which only `arrays` are kept: the backward pass computes it again.

        Only backends that honour `training_settings.gradient_checkpointing` are asked.
        """

    def moments(self, array: Array, axes: Sequence[int]) -> tuple[Array, Array]:
        """(d) Mean, and variance over N, float32, of the elements along `axes`, which are left out.

        Only backends that honour `training_settings.is_training_from_scratch` are asked, here and below.
        """

    def reshape(self, array: Array, shape: Sequence[int]) -> Array:
        """(d) The same elements in another shape."""


Statistics: TypeAlias = Mapping[tuple[str, str], Array]


class Trained(NamedTuple):
    """What a pass of training gives.

    `losses` are further native scalars by name that training lowers too (distillation). `statistics` are running
    statistics of norms by layer and role, as they are after the batch: without gradients, to be kept.
    """

    outputs: tuple[Array, ...]
    losses: Mapping[str, Array]
    statistics: Statistics


class TrainedProgram(Protocol):
    """The quantized model's arithmetic, as the core wrote it."""

    def __call__(self, model: TracedModel, inputs: Sequence[Array]) -> tuple[Array, ...]:
        """The graph's outputs, for native inputs beside `graph.inputs`."""

    def with_losses(self, model: TracedModel, inputs: Sequence[Array]) -> Trained:
        """The outputs, what distillation adds to the losses, and statistics that follow the batch."""


@dataclass(frozen=True)
class Setup:
    """How to train.

    `program` computes the graph's outputs over the native model's own parameters. `user_model` and `optimizer` are
    the user's: the optimizer is bound to that model's parameters and is rebuilt for the native model's. Without
    one, the backend makes Adam with `learning_rate`. `learned` become parameters beside the weights, which the
    program reads as `model.learned`. Gradients are divided by `accumulation`. A norm of
    `clip_norm_type` above `clip_norm` is scaled down to it.
    """

    program: TrainedProgram
    losses: Losses
    user_model: Any = None
    optimizer: Any = None
    learning_rate: float = 1e-4
    learned: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)  # scales to train, by name
    accumulation: int = 1
    clip_norm: float | None = None
    clip_norm_type: float = 2.0
    options: Mapping[str, Any] = field(default_factory=dict)
    workers: Workers = ALONE  # who trains together; a backend that knows only one process checks `options`

    def check_options(self, backend: str, honoured: Collection[str], *, scales_losses: bool = False) -> None:
        """Raise SettingsError for an option that the backend does not honour.

        `options` are settings that only some backends have an answer to, by `section.key`, where they are set.
        Gradients vanish in float16 where losses are not scaled up: not all backends do that.
        """
        if self.options.get(HALF) == "float16" and HALF in honoured and not scales_losses:
            raise SettingsError(
                f"the {backend} backend does not scale losses, as float16 would need",
                found=f"{HALF}: float16",
                fix="use bfloat16",
            )
        for name, value in self.options.items():
            if name not in honoured:
                raise SettingsError(
                    f"the {backend} backend does not honour {name}",
                    found=repr(value),
                    fix="remove the setting",
                )


@dataclass(frozen=True)
class NativeState:
    """Everything that training changed: arrays by name, and plain JSON."""

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)


class Trainable(ABC):
    """A native quantized model, its optimizer and gradients."""

    native: Any  # takes and returns what the user's model does
    notes: Sequence[str] = ()  # what the user should know of how the optimizer was rebuilt

    @abstractmethod
    def accumulate(self, inputs: Any, targets: Any, weight: float = 1.0) -> tuple[Mapping[str, float], Any]:
        """Forward and backward on one batch; its gradients, times `weight`, are added.

        Of several workers each has a share of the batch: before `apply` steps, gradients are averaged over them.
        Returns the losses by name, before division, and the model's result, detached.
        """

    @abstractmethod
    def apply(self, learning_rate_factor: float, *, are_scales_frozen: bool = False) -> float | None:
        """One step of the optimizer at its own learning rates times the factor; gradients start anew.

        Learned scales that are frozen stay as they are. Returns the gradients' norm before clipping, None where
        nothing is clipped.
        """

    @abstractmethod
    def evaluate(self, inputs: Any) -> Any:
        """The model's result for one batch, without gradients."""

    @abstractmethod
    def place(self, targets: Any) -> Any:
        """Targets where the model's outputs are: nested containers, their arrays moved to its device."""

    @abstractmethod
    def traced(self) -> TracedModel:
        """The preprocessed traced model over copies of the weights as they are now."""

    @abstractmethod
    def learning_rates(self) -> Sequence[float]:
        """The learning rate of each group of weights, without the schedule's factor; learned scales are left out."""

    @abstractmethod
    def use(self, program: TrainedProgram, statistics: Statistics = MappingProxyType({})) -> None:
        """Go on with another program over the same parameters: its ranges are other ones.

        `statistics` are running ones of norms to go on with, NumPy's or native, by layer and role.
        """

    @abstractmethod
    def set_learning_rate(self, rate: float) -> None:
        """Give the fastest group of weights this learning rate, and every other one, scales too, its share of it."""

    @abstractmethod
    def state(self) -> NativeState:
        """Weights and optimizer: what `load_state` needs to go on bit by bit."""

    @abstractmethod
    def load_state(self, state: NativeState) -> None:
        """Take over a state of the same model. Raises StateError where it does not fit."""

    def learned(self) -> Mapping[str, NDArray[np.float32]]:
        """The scales as they are now, by the names in `Setup.learned`."""
        return {}

    def memory_bytes(self) -> int | None:
        """Memory that the device holds for this process, None where that is not known."""
        return None


@dataclass(frozen=True)
class StoredProgram:
    """A traced model as data: plain JSON and arrays. No code, no pickle."""

    values: Mapping[str, Any]
    arrays: Mapping[str, NDArray[np.generic]]


def no_training(backend: str) -> ModelError:
    """The error of a backend that cannot fine-tune."""
    return ModelError(
        f"the {backend} backend cannot fine-tune",
        fix="quantize after training: clika_core.compress, or global_quantization_settings.method: ptq",
    )

"""`TensorFlowTrainable`: gradients and optimizer of a native model.

The model's own arithmetic and the optimizer's step are compiled; losses are called eagerly, so that they may be any
Python.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from clika_core.backend.interpreter import LayerRole
from clika_core.backend.saved import saved_weights
from clika_core.backend.scale_steps import scale_steps
from clika_core.backend.trainable import (
    FROM_SCRATCH,
    HALF,
    NativeState,
    Setup,
    Statistics,
    Trainable,
    TrainedProgram,
)
from clika_core.errors import StateError
from clika_tensorflow.example import as_tensors, check_tensors, to_numpy
from clika_tensorflow.interpreter import build_result
from clika_tensorflow.native_state import LEARNED, Scale
from clika_tensorflow.optimizer import Apply, Made, again, applying, built, built_in, rebuilt, trainable
from clika_tensorflow.saved_optimizer import load_state, optimizer_state, saved_optimizer
from clika_tensorflow.traced_model import TensorFlowTracedModel
from clika_tensorflow.workers import TensorFlowWorkers

PREFIX: Final = "variables."
HONOURED: Final = frozenset({"distributed_training_settings.multi_gpu", HALF, FROM_SCRATCH})
"""The options of a setup that mean something here."""
_TINY: Final = 1e-6


class TensorFlowTrainable(Trainable):
    """A native model with its optimizer."""

    def __init__(self, model: TensorFlowTracedModel, setup: Setup) -> None:
        """Make the native model and its optimizer; raises ModelError where that cannot be rebuilt."""
        setup.check_options("tensorflow", HONOURED)
        self._setup = setup
        self.native = model.native(setup.program, setup.learned)
        owned = self.native.owned()
        if setup.optimizer is None:
            made = built_in(owned, setup.learning_rate)
        else:
            made = rebuilt(setup.optimizer, model, owned)
        self._use(made, scale_steps(setup.learned, is_adaptive=made.is_adaptive))
        self._compile()

    def _compile(self) -> None:
        self._learn = tf.function(self._with_losses, autograph=False, reduce_retracing=True)
        self._predict = tf.function(self._outputs, autograph=False, reduce_retracing=True)

    def _use(self, made: Made, steps: Mapping[str, float]) -> None:
        self._made, self._steps = made, dict(steps)
        self.notes = made.notes
        self._apply: Apply = applying(made, {f"{LEARNED}.{name}": share for name, share in steps.items()})
        self._gradients: dict[str, Any] = {}

    def accumulate(self, inputs: Any, targets: Any, weight: float = 1.0) -> tuple[Mapping[str, float], Any]:
        """Forward and backward on one batch; its gradients, times `weight`, are added."""
        arrays = self._arrays(inputs)
        with tf.GradientTape() as tape:
            outputs, extra, statistics = self._learn(arrays)
            result = self._result(outputs, arrays)
            losses = {**self._setup.losses(result, targets), **extra}
            scalars = {name: _scalar(loss) for name, loss in losses.items()}
            total = tf.add_n(list(scalars.values())) * (weight / self._setup.accumulation)
        self._keep(statistics)
        trained = self._made.trained
        found = tape.gradient(total, [_variable(v) for v in trained.values()])
        for name, gradient in zip(trained, found, strict=True):
            if gradient is not None:
                dense = tf.convert_to_tensor(gradient)
                before = self._gradients.get(name)
                self._gradients[name] = dense if before is None else before + dense
        return {name: float(loss) for name, loss in scalars.items()}, result

    def apply(self, learning_rate_factor: float, *, are_scales_frozen: bool = False) -> float | None:
        """Clip, and step at the learning rate times the factor."""
        if isinstance(self._setup.workers, TensorFlowWorkers):
            self._gradients = self._setup.workers.mean(self._gradients)
        norm = self._clipped()
        self._made.optimizer.learning_rate = self._made.learning_rate() * learning_rate_factor
        trained = self._made.trained
        frozen = [n for n in trained if are_scales_frozen and n.startswith(f"{LEARNED}.")]
        before = {name: tf.identity(tf.convert_to_tensor(trained[name])) for name in frozen}
        self._apply(self._gradients)
        for name, value in before.items():
            trained[name].assign(value)
        self._gradients = {}
        return norm

    def evaluate(self, inputs: Any) -> Any:
        """The model's result for one batch, without gradients."""
        arrays = self._arrays(inputs)
        return self._result(self._predict(arrays), arrays)

    def place(self, targets: Any) -> Any:
        """Targets as they are: TensorFlow copies between devices where it has to."""
        return targets

    def traced(self) -> TensorFlowTracedModel:
        """The preprocessed traced model over copies of the weights as they are now."""
        own = self.native.traced()
        held = own.held.copy()
        held.overrides.update({k: tf.identity(v) for k, v in held.overrides.items() if v is not None})
        return TensorFlowTracedModel(own.trace, held, own.removed)

    def learning_rates(self) -> Sequence[float]:
        """The learning rate of weights."""
        return [self._made.learning_rate()]

    def use(self, program: TrainedProgram, statistics: Statistics = MappingProxyType({})) -> None:
        """Go on with another program over the same variables: it is traced anew."""
        self._keep(statistics)
        self._setup = replace(self._setup, program=program)
        self.native.use(program)
        self._compile()

    def set_learning_rate(self, rate: float) -> None:
        """Give weights this learning rate; scales have their shares of it."""
        made = self._made
        self._made = Made(made.optimizer, rate, made.trained, made.notes)

    def state(self) -> NativeState:
        """Variables and the optimizer."""
        arrays, values = optimizer_state(self._made)
        own = {f"{PREFIX}{each.name}": to_numpy(variable) for each, variable in self.native.owned()}
        return NativeState({**own, **arrays}, {"optimizer": values, "steps": self._steps})

    def load_state(self, state: NativeState) -> None:
        """Take over a state of the same model: variables, and the optimizer with its moments.

        An optimizer of the user's keeps its class and hyper-parameters; moments come from a saved one of its class.
        """
        self._load_variables(state.arrays)
        saved = state.values.get("optimizer")
        trained = trainable(self.native.owned())
        names = saved.get("trained") if isinstance(saved, dict) else None
        if not isinstance(names, list):
            raise StateError("the saved optimizer does not fit", found=repr(saved)[:60])
        kept = {n: v for n, v in trained.items() if n in names or n.startswith(f"{LEARNED}.")}
        if self._setup.optimizer is None:
            made = saved_optimizer(saved, kept)
        elif self._setup.user_model is None:
            own, rate = again(self._setup.optimizer)
            made = built(own, rate, kept)
        else:
            made = self._made
        load_state(made, state.arrays, saved)
        fresh = scale_steps(self._setup.learned, is_adaptive=made.is_adaptive)
        steps = state.values.get("steps")
        known = steps if isinstance(steps, dict) else {}
        self._use(made, {name: float(known.get(name, share)) for name, share in fresh.items()})

    def learned(self) -> dict[str, NDArray[np.float32]]:
        """The scales as they are now."""
        return {
            own.key.name: to_numpy(variable)
            for own, variable in self.native.owned()
            if isinstance(own.key, Scale)
        }

    def memory_bytes(self) -> int | None:
        """The most that TensorFlow held on the GPU so far; None on the CPU."""
        if not tf.config.list_logical_devices("GPU"):
            return None
        return int(tf.config.experimental.get_memory_info("GPU:0")["peak"])

    def _with_losses(self, arrays: list[Any]) -> Any:
        return self._setup.program.with_losses(self.native.traced(), arrays)

    def _outputs(self, arrays: list[Any]) -> Any:
        return self._setup.program(self.native.traced(), arrays)

    def _arrays(self, inputs: Any) -> list[Any]:
        trace = self.native.traced().trace
        arrays = as_tensors(trace.example.take(inputs))
        check_tensors(arrays, trace.graph.inputs)
        return arrays

    def _result(self, outputs: Sequence[Any], arrays: Sequence[Any]) -> Any:
        own = self.native.traced()
        return build_result(own.trace.program, outputs, own.held, arrays)

    def _clipped(self) -> float | None:
        """Scale the gradients down to the norm that is allowed; the norm before."""
        limit, kind = self._setup.clip_norm, self._setup.clip_norm_type
        if limit is None:
            return None
        norm = tf.norm(tf.stack([tf.norm(tf.reshape(g, [-1]), kind) for g in self._gradients.values()]), kind)
        factor = tf.minimum(limit / (norm + _TINY), 1.0)
        self._gradients = {name: gradient * factor for name, gradient in self._gradients.items()}
        return float(norm)

    def _keep(self, statistics: Mapping[LayerRole, Any]) -> None:
        """Take over running statistics of norms, which are operands of their own."""
        if statistics:
            own = {each.key: variable for each, variable in self.native.owned()}
            for key, value in statistics.items():
                own[key].assign(value)

    def _load_variables(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        own = {each.name: variable for each, variable in self.native.owned()}
        shapes = {name: tuple(variable.shape) for name, variable in own.items()}
        saved = saved_weights(arrays, PREFIX, shapes, lambda name: name.startswith(f"{LEARNED}."))
        for name, array in saved.items():
            own[name].assign(tf.cast(array, own[name].dtype))


def _scalar(loss: Any) -> Any:
    return tf.cast(tf.reshape(loss, []), tf.float32)


def _variable(variable: Any) -> Any:
    """The variable that a tape watches, without what Keras wraps around it."""
    return variable.value if isinstance(variable, keras.Variable) else variable

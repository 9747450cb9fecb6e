"""`JaxTrainable`: gradients and optimizer of a native model.

A step is two compiled functions, the gradients of a batch and the optimizer's update. Losses are part of the first,
as everywhere in JAX: they compute with `jax.numpy`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
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
from clika_jax.arrays import to_numpy
from clika_jax.inputs import as_arrays
from clika_jax.native_model import RANGES, merged, paths_of
from clika_jax.optimizer import (
    Optimizer,
    first_state,
    is_adaptive,
    loaded_state,
    optimizer_of,
    saved_state,
)
from clika_jax.traced_model import JaxTracedModel
from clika_jax.workers import JaxWorkers

PREFIX: Final = "params."
HONOURED: Final = frozenset(
    {
        "distributed_training_settings.multi_gpu",
        "training_settings.gradient_checkpointing",  # the core's program asks for it
        HALF,
        FROM_SCRATCH,
    }
)
"""The options of a setup that mean something here."""
_TINY: Final = 1e-6

Tree = dict[str, Any]


class JaxTrainable(Trainable):
    """A native model with its optimizer."""

    def __init__(self, model: JaxTracedModel, setup: Setup) -> None:
        """Make the native model and its optimizer; raises ModelError where that does not take its parameters."""
        setup.check_options("jax", HONOURED)
        self._setup = setup
        self.native = model.native(setup.program, setup.learned)
        trained = self.native.trained_paths()
        own = dict(paths_of(self.native.params))
        self._trained = merged({path: array for path, array in own.items() if path in trained})
        self._fixed = merged({path: array for path, array in own.items() if path not in trained})
        self._optimizer = optimizer_of(setup.optimizer, setup.learning_rate)
        self._moments = first_state(self._optimizer, self._trained)
        self._use(scale_steps(setup.learned, is_adaptive=is_adaptive(self._optimizer, self._trained)))
        self._compile()
        self._sum = jax.jit(lambda a, b: jax.tree.map(jnp.add, a, b))

    def _compile(self) -> None:
        """Functions of their own: JAX knows a method again, and with it what was compiled of it."""
        self._learn = jax.jit(lambda *given: self._gradients_of(*given))
        self._predict = jax.jit(lambda *given: self._outputs(*given))

    def _use(self, steps: Mapping[str, float]) -> None:
        self._steps = dict(steps)
        self._gradients: Tree | None = None
        self._update = jax.jit(lambda *given: self._stepped(*given))

    def accumulate(self, inputs: Any, targets: Any, weight: float = 1.0) -> tuple[Mapping[str, float], Any]:
        """Forward and backward on one batch; its gradients, times `weight`, are added."""
        arrays = self._arrays(inputs)
        learn = self._learn if _is_compilable(targets) else self._gradients_of
        (_, (losses, result, statistics)), found = learn(
            self._trained, self._fixed, arrays, targets, np.float32(weight)
        )
        self._keep(statistics)
        self._gradients = found if self._gradients is None else self._sum(self._gradients, found)
        return {name: float(loss) for name, loss in losses.items()}, result

    def apply(self, learning_rate_factor: float, *, are_scales_frozen: bool = False) -> float | None:
        """Clip, and step: updates are multiplied by the factor."""
        assert self._gradients is not None
        if isinstance(self._setup.workers, JaxWorkers):
            self._gradients = self._setup.workers.mean(self._gradients)
        rate = np.float32(learning_rate_factor * self._optimizer.rate)
        norm, self._gradients = self._update_with(self._gradients, rate, are_scales_frozen), None
        self.native = self.native.with_params(_joined(self._trained, self._fixed))
        return None if self._setup.clip_norm is None else float(norm)

    def _update_with(self, gradients: Tree, rate: Any, are_scales_frozen: bool) -> Any:
        """A step; the norm of the gradients."""
        pace = np.float32(not are_scales_frozen)
        self._trained, self._moments, norm = self._update(self._trained, self._moments, gradients, rate, pace)
        return norm

    def evaluate(self, inputs: Any) -> Any:
        """The model's result for one batch."""
        return self._predict(self._trained, self._fixed, self._arrays(inputs))

    def place(self, targets: Any) -> Any:
        """Targets as they are: JAX moves arrays where it computes."""
        return targets

    def traced(self) -> JaxTracedModel:
        """The preprocessed traced model over the weights as they are now, which never change."""
        own = self.native.traced(self.native.params)
        return JaxTracedModel(own.trace, own.held, own.removed)

    def learning_rates(self) -> Sequence[float]:
        """The learning rate of weights; none where the optimizer keeps it to itself."""
        rate = self._optimizer.learning_rate(self._moments)
        return [] if rate is None else [rate]

    def use(self, program: TrainedProgram, statistics: Statistics = MappingProxyType({})) -> None:
        """Go on with another program over the same parameters: it is compiled anew."""
        self._keep({key: jnp.asarray(value) for key, value in statistics.items()})
        self._setup = replace(self._setup, program=program)
        self.native = self.native.with_program(program)
        self._compile()

    def set_learning_rate(self, rate: float) -> None:
        """Give weights this learning rate; scales have their shares of it."""
        own = self._optimizer
        self._optimizer = Optimizer(own.transformation, rate, own.is_built_in)

    def state(self) -> NativeState:
        """Parameters and the optimizer."""
        own = {f"{PREFIX}{'.'.join(path)}": to_numpy(a) for path, a in paths_of(self.native.params)}
        values = {
            "steps": self._steps,
            "optimizer": {"is_built_in": self._optimizer.is_built_in, "rate": self._optimizer.rate},
        }
        return NativeState({**own, **saved_state(self._moments)}, values)

    def load_state(self, state: NativeState) -> None:
        """Take over a state of the same model: parameters, and the optimizer with its moments.

        A transformation of the user's is code: it has to be given again, and finds its own moments by their paths.
        """
        saved, steps = state.values.get("optimizer"), state.values.get("steps")
        if not isinstance(saved, dict) or not isinstance(steps, dict):
            raise StateError("the saved optimizer does not fit", found=repr(saved)[:60])
        if self._setup.optimizer is None and not saved.get("is_built_in"):
            raise StateError(
                "this training had an optimizer of the user's, which is code",
                fix="give it to clika_resume again: optimizer=...",
            )
        self._load_params(state.arrays)
        if self._setup.optimizer is None:
            self.set_learning_rate(float(saved["rate"]))
        self._moments = loaded_state(first_state(self._optimizer, self._trained), state.arrays)
        fresh = scale_steps(self._setup.learned, is_adaptive=is_adaptive(self._optimizer, self._trained))
        self._use({name: float(steps.get(name, share)) for name, share in fresh.items()})

    def learned(self) -> dict[str, NDArray[np.float32]]:
        """The scales as they are now."""
        return {name: to_numpy(scale) for name, scale in self.native.learned().items()}

    def memory_bytes(self) -> int | None:
        """The most that JAX held on its first device so far; None on the CPU."""
        stats = jax.local_devices()[0].memory_stats()
        return None if not stats else int(stats.get("peak_bytes_in_use", 0)) or None

    def _gradients_of(
        self, trained: Tree, fixed: Tree, arrays: Sequence[Any], targets: Any, weight: Any
    ) -> Any:
        def total(trained: Tree) -> tuple[Any, Any]:
            params = _joined(trained, fixed)
            outputs, extra, statistics = self.native.run(self._setup.program.with_losses, params, arrays)
            result = self.native.traced(params).result(outputs, arrays)
            losses = {**self._setup.losses(result, targets), **extra}
            scalars = {name: jnp.reshape(loss, ()).astype(jnp.float32) for name, loss in losses.items()}
            share = weight / self._setup.accumulation
            return sum(scalars.values()) * share, (scalars, result, statistics)

        return jax.value_and_grad(total, has_aux=True)(trained)

    def _outputs(self, trained: Tree, fixed: Tree, arrays: Sequence[Any]) -> Any:
        params = _joined(trained, fixed)
        outputs = self.native.run(self._setup.program, params, arrays)
        return self.native.traced(params).result(outputs, arrays)

    def _stepped(
        self, trained: Tree, moments: Any, gradients: Tree, rate: Any, pace: Any
    ) -> tuple[Tree, Any, Any]:
        """A step. Scales are shown as zeros to the optimizer, so that no decay draws them there.

        Their pace is 1, or 0: they stay.
        """
        norm = jnp.zeros(())
        if self._setup.clip_norm is not None:
            norm = _norm(gradients, self._setup.clip_norm_type)
            factor = jnp.minimum(self._setup.clip_norm / (norm + _TINY), 1.0)
            gradients = jax.tree.map(lambda leaf: leaf * factor, gradients)
        shares = {self.native.fixed.ranges[name]: share for name, share in self._steps.items()}
        shown = merged({p: a * 0 if p in shares else a for p, a in paths_of(trained)})
        updates, moments = self._optimizer.transformation.update(gradients, moments, shown)
        moved = dict(paths_of(updates))
        after = {
            path: (array + moved[path] * step).astype(array.dtype)
            for path, array in paths_of(trained)
            for step in [rate * (pace * shares[path] if path in shares else 1.0)]
        }
        return merged(after), moments, norm

    def _arrays(self, inputs: Any) -> list[Any]:
        trace = self.native.fixed.trace
        return as_arrays(trace.layout.take(inputs), trace.graph.inputs)

    def _keep(self, statistics: Mapping[LayerRole, Any]) -> None:
        """Take over running statistics of norms, which are operands of their own and never trained."""
        if statistics:
            paths = {self.native.fixed.overrides[key]: array for key, array in statistics.items()}
            self._fixed = merged({p: paths.get(p, a) for p, a in paths_of(self._fixed)})
            self.native = self.native.with_params(_joined(self._trained, self._fixed))

    def _load_params(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        own = dict(paths_of(self.native.params))
        paths = {".".join(path): path for path in own}
        ranges = {".".join(path) for path in self.native.fixed.ranges.values()}

        def is_range(name: str) -> bool:
            return name in ranges or (name not in paths and name.partition(".")[0].rstrip("_") == RANGES)

        saved = saved_weights(
            arrays, PREFIX, {name: own[path].shape for name, path in paths.items()}, is_range
        )
        loaded = {paths[name]: jnp.asarray(array, own[paths[name]].dtype) for name, array in saved.items()}
        everything = {**own, **loaded}
        self._trained = merged({p: everything[p] for p, _ in paths_of(self._trained)})
        self._fixed = merged({p: everything[p] for p, _ in paths_of(self._fixed)})
        self.native = self.native.with_params(_joined(self._trained, self._fixed))


def _joined(first: Tree, second: Tree) -> Tree:
    return merged({**dict(paths_of(first)), **dict(paths_of(second))})


def _norm(gradients: Tree, kind: float) -> Any:
    """The norm of all gradients together."""
    flat = [
        jnp.linalg.norm(leaf.reshape(-1).astype(jnp.float32), kind) for leaf in jax.tree.leaves(gradients)
    ]
    return jnp.linalg.norm(jnp.stack(flat), kind)


def _is_compilable(targets: Any) -> bool:
    """Whether targets are arrays and numbers; a compiled function takes nothing else."""
    return all(
        isinstance(leaf, jax.Array | np.ndarray | np.generic | int | float)
        for leaf in jax.tree.leaves(targets)
    )

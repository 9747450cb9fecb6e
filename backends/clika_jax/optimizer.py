"""The optimizer of a native model: optax' transformations over its tree of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import optax
from numpy.typing import NDArray

from clika_core.errors import ModelError, StateError
from clika_jax.arrays import to_numpy

PREFIX: Final = "optimizer."
_SMALL: Final = 1e-6  # gradients below whatever would clip them


@dataclass(frozen=True, slots=True)
class Optimizer:
    """`transformation` gives the updates of one step; they are multiplied by `rate`."""

    transformation: Any
    rate: float
    is_built_in: bool

    def learning_rate(self, state: Any) -> float | None:
        """The learning rate, None where the transformation keeps it to itself."""
        if self.is_built_in:
            return self.rate
        try:
            found = optax.tree.get(state, "learning_rate")
        except KeyError:  # several
            return None
        return None if found is None else float(found)


def optimizer_of(given: Any, learning_rate: float) -> Optimizer:
    """Adam (Kingma & Ba 2015), or the user's transformation. Raises ModelError for what is none."""
    if given is None:
        return Optimizer(optax.adam(1.0), learning_rate, is_built_in=True)
    held = getattr(given, "tx", given)  # flax.nnx.Optimizer and TrainState hold theirs so
    if not isinstance(held, optax.GradientTransformation):
        raise ModelError(
            "this is no optimizer of JAX",
            found=type(given).__name__,
            expected="a transformation of optax, as optax.adamw(1e-4) gives it",
        )
    return Optimizer(optax.with_extra_args_support(held), 1.0, is_built_in=False)


def first_state(optimizer: Optimizer, params: Any) -> Any:
    """The state before the first step. Raises ModelError where the transformation does not take these parameters."""
    try:
        return optimizer.transformation.init(params)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ModelError(
            "the optimizer does not take the quantized model's parameters",
            found=str(error)[:200],
            fix="write masks and labels as functions of the tree: with norms folded it is another one",
        ) from error


def is_adaptive(optimizer: Optimizer, params: Any) -> bool:
    """Whether a step is about as long for a gradient a thousand times larger: tried on the first step."""
    if optimizer.is_built_in:
        return True
    lengths = []
    for factor in (1.0, 1000.0):
        gradients = jax.tree.map(lambda leaf, f=factor: jnp.full_like(leaf, _SMALL * f), params)
        zeros = jax.tree.map(jnp.zeros_like, params)
        updates, _ = optimizer.transformation.update(gradients, first_state(optimizer, params), zeros)
        lengths.append(float(optax.tree.norm(updates)))
    return lengths[1] < 100 * lengths[0]


def saved_state(state: Any) -> dict[str, NDArray[Any]]:
    """The arrays in an optimizer's state by their paths."""
    return {path: to_numpy(leaf) for path, leaf in _leaves(state).items()}


def loaded_state(fresh: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:
    """`fresh` with what was saved under the same paths. Raises StateError for another shape."""
    leaves, structure = jax.tree.flatten(fresh)
    found = []
    for path, leaf in zip(_leaves(fresh), leaves, strict=True):
        array = arrays.get(path)
        if array is not None and tuple(array.shape) != tuple(leaf.shape):
            raise StateError("the saved optimizer does not fit", found=f"{path} of shape {list(array.shape)}")
        found.append(leaf if array is None else jnp.asarray(array, leaf.dtype))
    return jax.tree.unflatten(structure, found)


def _leaves(state: Any) -> dict[str, Any]:
    flat, _ = jax.tree_util.tree_flatten_with_path(state)
    return {f"{PREFIX}{jax.tree_util.keystr(path)}": leaf for path, leaf in flat}

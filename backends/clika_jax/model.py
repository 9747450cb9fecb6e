"""`Model`: a function and its parameters, the plain form of a model in JAX."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Model:
    """`fn(params, *inputs)`; `params` is any pytree.

        model = clika_jax.Model(apply, params)
        result = clika.compress(model, calibration_data=images)

    Leaves of `params` that are no arrays (a function, a flag) are part of the model and stay what they are. `name`
    stands in the graph; without it the function's own name does.
    """

    fn: Callable[..., Any]
    params: Any
    name: str | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result with these parameters."""
        return self.fn(self.params, *args, **kwargs)

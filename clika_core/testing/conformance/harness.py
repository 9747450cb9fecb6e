"""`BackendHarness`: what the kit cannot know without knowing the framework. The author of a backend writes one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, Backend


@dataclass(frozen=True)
class Subject:
    """A native model, and `inputs(n, random)`: a batch of n samples as the model takes them."""

    model: Any
    inputs: Callable[[int, np.random.Generator], Any]


class BackendHarness(ABC):
    """Builds models, calls them, and reaches what only the framework can: gradients, compilation, training."""

    backend: Backend

    @abstractmethod
    def builders(self) -> Mapping[str, Callable[[], Subject]]:
        """A builder for every name in `ARCHITECTURES`; the same weights at every call."""

    @abstractmethod
    def state(self, model: Any) -> Mapping[str, NDArray[Any]]:
        """Copies of all parameters and buffers of a user's model, by name."""

    @abstractmethod
    def gradient(self, function: Callable[[Array], Array], array: Array) -> Array:
        """The gradient of `sum(function(array))` to `array`."""

    @abstractmethod
    def compiled(self, function: Callable[[Array], Array]) -> Callable[[Array], Array]:
        """`function` as the framework's compiler makes it (`torch.compile`, `tf.function`, `jax.jit`)."""

    @abstractmethod
    def train(self, native: Any, inputs: Any, steps: int) -> list[float]:
        """Train a native model in place and return the loss before every step.

        The loss is the mean square of the first result; plain gradient descent with a rate that suits small models.
        """

    def call(self, model: Any, inputs: Any) -> Any:
        """The result of a user's or a native model, without gradients, in evaluation mode."""
        if isinstance(inputs, Mapping):
            return model(**inputs)
        return model(*inputs) if isinstance(inputs, tuple) else model(inputs)

    def leaves(self, result: Any) -> Iterator[Array]:
        """The arrays in a result, in order. Containers that are not Python's own need an override."""
        if isinstance(result, Mapping):
            result = list(result.values())
        elif is_dataclass(result) and not isinstance(result, type):
            result = [getattr(result, field.name) for field in fields(result)]
        if isinstance(result, list | tuple):
            for part in result:
                yield from self.leaves(part)
        elif result is not None:
            yield result

"""All global random numbers at once: Python's, NumPy's and the framework's. Saved as arrays, restored exactly."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Backend
from clika_core.errors import StateError

RandomState = Mapping[str, NDArray[Any]]
_PYTHON_VERSION = 3


class Randomness:
    """The global random numbers of this process."""

    def __init__(self, backend: Backend) -> None:
        """`backend` adds those of its framework."""
        self._backend = backend

    def seed(self, seed: int) -> None:
        """Seed all of them."""
        random.seed(seed)
        np.random.seed(seed)
        self._backend.set_seed(seed)

    def state(self) -> RandomState:
        """Where all of them stand."""
        _, words, gauss = random.getstate()
        kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
        assert kind == "MT19937"
        own: dict[str, NDArray[Any]] = {
            "python": np.array(words, np.uint32),
            "python.gauss": np.array([] if gauss is None else [gauss], np.float64),
            "numpy": np.array(keys, np.uint32),
            "numpy.position": np.array([position, has_gauss], np.int64),
            "numpy.gauss": np.array([cached], np.float64),
        }
        own.update((f"framework.{name}", array) for name, array in self._backend.random_state().items())
        return own

    def restore(self, state: RandomState) -> None:
        """Put all of them where they stood. Raises StateError for what `state` never gave."""
        try:
            gauss = state["python.gauss"].tolist()
            words = tuple(state["python"].tolist())
            random.setstate((_PYTHON_VERSION, words, gauss[0] if gauss else None))
            position, has_gauss = state["numpy.position"].tolist()
            np.random.set_state(
                ("MT19937", state["numpy"], position, has_gauss, float(state["numpy.gauss"][0]))
            )
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise StateError("the saved random numbers cannot be restored", found=str(error)) from error
        prefix = "framework."
        self._backend.set_random_state(
            {name.removeprefix(prefix): a for name, a in state.items() if name.startswith(prefix)}
        )


class OwnStream:
    """A stream of random numbers of its own: inside `active`, the global ones are this stream's."""

    def __init__(self, randomness: Randomness, state: RandomState) -> None:
        """Begin at `state`."""
        self._randomness = randomness
        self.state = state

    @contextmanager
    def active(self) -> Iterator[None]:
        """Draws inside move this stream on; those outside stay where they were."""
        outside = self._randomness.state()
        self._randomness.restore(self.state)
        try:
            yield
        finally:
            self.state = self._randomness.state()
            self._randomness.restore(outside)

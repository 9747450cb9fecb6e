"""The state of TensorFlow's and Keras' global random numbers, as arrays.

An eager random operation draws its seed from the context's generator; its kernel, cached by that seed, keeps a state
of its own. Where a state is restored that was drawn from before, cached kernels are dropped, or they would go on.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from keras.src.random.seed_generator import global_seed_generator
from numpy.typing import NDArray
from tensorflow.python.eager.context import context

from clika_core.errors import StateError
from clika_tensorflow.example import to_numpy

_VERSION = 3  # of what random.Random.getstate gives
_drawn_from: set[int] = set()  # positions, since kernels were dropped
_last: list[int] = []  # the position that was known last


def set_seed(seed: int) -> None:
    """Seed both; Keras' layers that draw with seeds of their own are not reached."""
    tf.random.set_seed(seed)
    _drawn_from.clear()
    _last.clear()
    _generator().state.assign([seed % 2**32, 0])


def random_state() -> dict[str, NDArray[Any]]:
    """Global seed, the context's generator, and Keras' global one."""
    seed, found = context()._seed, context()._rng
    if seed is None:
        tf.random.set_seed(0)  # without a seed operations draw from the machine, which nothing can repeat
        seed, found = context()._seed, context()._rng
    words = np.array(found.getstate()[1], np.uint32)
    _notice(_key(words))
    return {
        "seed": np.array([seed], np.int64),
        "operations": words,
        "keras": to_numpy(_generator().state),
    }


def set_random_state(state: Mapping[str, NDArray[Any]]) -> None:
    """Take over a state. Raises StateError for what `random_state` never gave."""
    try:
        words = np.asarray(state["operations"], np.uint32)
        seed = int(state["seed"][0])
        random_state()  # notices whether anything was drawn
        if context()._seed != seed or _key(words) in _drawn_from:
            tf.random.set_seed(seed)  # drops cached kernels
            _drawn_from.clear()
        context()._rng.setstate((_VERSION, tuple(words.tolist()), None))
        _last[:] = [_key(words)]
        _generator().state.assign(state["keras"])
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise StateError("TensorFlow's random numbers cannot be restored", found=str(error)) from error


def _generator() -> Any:
    """Keras' global generator; where it is not there yet, Keras draws its seed from Python's random numbers."""
    held = random.getstate()
    try:
        return global_seed_generator()
    finally:
        random.setstate(held)


def _notice(position: int) -> None:
    """Remember where something was drawn from: the position that was known last, if it is another one now."""
    if _last and _last[0] != position:
        _drawn_from.add(_last[0])
    _last[:] = [position]


def _key(words: NDArray[Any]) -> int:
    return hash(words.tobytes())

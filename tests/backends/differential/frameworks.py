"""The frameworks that are compared: PyTorch is the reference, every other one is an entry in `OTHERS`.

A new framework is a module of models with the names of `torch_models.MODELS`, and one entry here.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.plugins.registry import backend_named

Arrays = tuple[NDArray[Any], ...]

INPUTS: dict[str, tuple[tuple[int, ...], ...]] = {
    **dict.fromkeys("residual_cnn mobile_blocks u_net detector super_resolution vgg".split(), ((3, 8, 8),)),
    **dict.fromkeys(("post_norm_encoder", "pre_norm_encoder"), ((5, 16),)),
    "lstm_tagger": ((7,),),
    "multi_input": ((3, 8, 8), (6,)),
}
"""The shape of one sample of each input, channels first; tokens are integers below 20."""


def inputs(name: str, count: int, seed: int = 0) -> Arrays:
    """A batch, channels first."""
    random = np.random.default_rng(seed)
    if name == "lstm_tagger":
        return (random.integers(0, 20, (count, *INPUTS[name][0])),)
    return tuple(random.standard_normal((count, *shape)).astype(np.float32) for shape in INPUTS[name])


@dataclass(frozen=True)
class Framework:
    """`trace(name, inputs)` builds and traces a model; `to_native` and `to_neutral` move channels.

    `missing` are architectures that the backend has no layers for, each with the reason.
    """

    name: str
    distribution: str
    trace: Callable[[str, Arrays], TracedModel]
    to_native: Callable[[NDArray[Any]], NDArray[Any]] = lambda array: array
    to_neutral: Callable[[NDArray[Any]], NDArray[Any]] = lambda array: array
    missing: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def is_installed(self) -> bool:
        """Whether the framework can be imported."""
        return importlib.util.find_spec(self.distribution) is not None

    def given(self, arrays: Arrays) -> Arrays:
        """Inputs in the framework's layout."""
        return tuple(map(self.to_native, arrays))


def _torch(name: str, arrays: Arrays) -> TracedModel:
    from tests.backends.differential.torch_models import build

    return backend_named("torch").trace(build(name), arrays, name=name)


def _tensorflow(name: str, arrays: Arrays) -> TracedModel:
    from clika_tensorflow.quiet_import import import_tensorflow

    import_tensorflow()
    from tests.backends.differential.tensorflow_models import build

    return backend_named("tensorflow").trace(build(name, arrays), arrays, name=name)


def _jax(name: str, arrays: Arrays) -> TracedModel:
    from tests.backends.differential.jax_models import build

    return backend_named("jax").trace(build(name), arrays, name=name)


def channels_last(array: NDArray[Any]) -> NDArray[Any]:
    """[N, C, H, W] to [N, H, W, C]; what has other than four axes stays."""
    return array.transpose(0, 2, 3, 1) if array.ndim == 4 else array


def channels_first(array: NDArray[Any]) -> NDArray[Any]:
    """The way back."""
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


REFERENCE = Framework("torch", "torch", _torch)
OTHERS = (
    Framework("tensorflow", "tensorflow", _tensorflow, channels_last, channels_first),
    Framework("jax", "flax", _jax, channels_last, channels_first),
)

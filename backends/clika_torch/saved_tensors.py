"""The tensors of a module as arrays, and back, exactly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clika_core.errors import StateError
from clika_torch.arrays import to_numpy
from clika_torch.native_model import LEARNED
from clika_torch.sharded import shared_as, whole

PREFIX = "tensors."


def saved_tensors(model: nn.Module) -> dict[str, NDArray[Any]]:
    """Parameters and persistent buffers by name, tied ones once; bfloat16 as float32, which holds it."""
    return {f"{PREFIX}{name}": to_numpy(whole(tensor)) for name, tensor in model.state_dict().items()}


def load_tensors(model: nn.Module, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write saved arrays into the module's tensors. Raises StateError unless names and shapes are its own."""
    own = model.state_dict()
    saved = {name.removeprefix(PREFIX): a for name, a in arrays.items() if name.startswith(PREFIX)}
    if _without_scales(saved) != _without_scales(own):
        raise StateError(
            "the saved weights are of another model",
            found=f"not in the model: {sorted(set(saved) - set(own))[:5]}",
            expected=f"also: {sorted(set(own) - set(saved))[:5]}",
        )
    with torch.no_grad():
        for name, tensor in ((name, tensor) for name, tensor in own.items() if name in saved):
            tensor.copy_(tensor_like(saved[name], tensor, name))


def _without_scales(names: Iterable[str]) -> set[str]:
    """A plan that changed has other learned scales: new ones keep the value they begin with."""
    return {name for name in names if not name.startswith(f"{LEARNED}.")}


def tensor_like(array: NDArray[Any], like: Tensor, name: str) -> Tensor:
    """A saved array as tensor of `like`'s shape, dtype and device. Raises StateError where it has another shape."""
    if array.shape != tuple(like.shape):
        raise StateError(
            f"the saved {name!r} has another shape",
            found=str(list(array.shape)),
            expected=str(list(like.shape)),
        )
    return shared_as(torch.from_numpy(np.array(array)).to(dtype=like.dtype, device=like.device), like)


def as_saved(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    """A saved array as tensor of the dtype that it was saved from."""
    return torch.from_numpy(np.array(array)).to(dtype)

"""The tensors of a module as arrays, and back, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from clika_core.backend.saved import saved_weights
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
    shapes = {name: tensor.shape for name, tensor in own.items()}
    saved = saved_weights(arrays, PREFIX, shapes, lambda name: name.startswith(f"{LEARNED}."))
    with torch.no_grad():
        for name, array in saved.items():
            own[name].copy_(_tensor_like(array, own[name]))


def _tensor_like(array: NDArray[Any], like: Tensor) -> Tensor:
    """A saved array as tensor of `like`'s dtype and device, shared out as it is."""
    return shared_as(torch.from_numpy(np.array(array)).to(dtype=like.dtype, device=like.device), like)


def as_saved(array: NDArray[Any], dtype: torch.dtype) -> Tensor:
    """A saved array as tensor of the dtype that it was saved from."""
    return torch.from_numpy(np.array(array)).to(dtype)

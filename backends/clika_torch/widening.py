"""A model in half precision as one in float32, which holds every value of float16 and bfloat16."""

from __future__ import annotations

import copy
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from clika_torch.structure import flatten

HALVES: Final = (torch.float16, torch.bfloat16)


def widened(model: nn.Module, inputs: Any) -> tuple[nn.Module, Any] | None:
    """Copies of a model and its inputs in float32; None where no parameter, buffer or input is in half precision."""
    given = flatten(inputs)
    held = (*model.parameters(), *model.buffers(), *given.leaves.values())
    if not any(_is_half(tensor) for tensor in held):
        return None
    return copy.deepcopy(model).float(), given.build([widened_tensor(leaf) for leaf in given.leaves.values()])


def widened_tensor(array: Any) -> Any:
    """A tensor or NumPy array in half precision in float32, anything else as it is."""
    if not _is_half(array):
        return array
    return array.float() if isinstance(array, Tensor) else array.astype(np.float32)


def _is_half(array: Any) -> bool:
    return array.dtype in HALVES if isinstance(array, Tensor) else getattr(array, "dtype", None) == np.float16

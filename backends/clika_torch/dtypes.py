"""Names of element types, the same in every backend: `float32`, `int64`, `bool`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def dtype_name(dtype: torch.dtype) -> str:
    """`torch.float32` is `float32`."""
    return str(dtype).removeprefix("torch.")


def torch_dtype(name: str) -> torch.dtype:
    """`float32` is `torch.float32`."""
    found: torch.dtype = getattr(torch, name)
    return found


def is_float(value: Any) -> bool:
    """Whether `value` is a tensor of floating point."""
    return isinstance(value, Tensor) and value.is_floating_point()

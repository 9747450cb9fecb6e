"""Names of dtypes, as the core writes them."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
import tensorflow as tf

_WIDTH = ("float16", "bfloat16", "float32", "float64")


def dtype_name(dtype: Any) -> str:
    """`tf.float32` is `float32`."""
    return str(tf.as_dtype(dtype).name)


def is_float(value: Any) -> bool:
    """Whether `value` is a tensor, variable or NumPy array of floating point."""
    dtype = getattr(value, "dtype", None)
    if dtype is None or dtype == np.dtype(object):
        return False
    return bool(tf.as_dtype(dtype).is_floating)


def widest(values: list[Any]) -> str:
    """The floating dtype that all floating values among `values` fit."""
    names = [dtype_name(value.dtype) for value in values if is_float(value)]
    return reduce(lambda a, b: max(a, b, key=_WIDTH.index), names)

"""`QuantParams` whose scale is a native array."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.schemes.formats import Format
from clika_core.schemes.granularity import Granularity


@dataclass(frozen=True)
class NativeParams:
    """`scale` has no gradient; `learned` is the same array with one, which is multiplied by `factor`.

    None: the scale follows from learned ones and is none itself.
    """

    scale: Any
    zero_point: NDArray[np.int32]
    format: Format
    granularity: Granularity
    learned: Any = None
    factor: float = 1.0

"""How far one step moves a learned scale, beside a weight."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

PACE: Final = 10.0
"""How many times faster than a weight of its own size a scale moves.

Ranges from calibration are far from those that few bits want, and a training has few steps: at the pace of weights
a scale covers a few per cent of itself. See `benchmarks/results/fine_tuning.md`.
"""


def scale_steps(learned: Mapping[str, NDArray[np.float32]], *, is_adaptive: bool) -> dict[str, float]:
    """The factor of each scale's learning rate, by name; `learned` are the scales that training begins with.

    An optimizer that normalises gradients, as Adam does, moves every parameter by about its learning rate; a scale
    of 0.01 has to move less than a weight of 1: by the learning rate times itself, times `PACE`. Plain gradient
    descent needs no factor: LSQ scales the gradient (Esser et al. 2020, section 2.2).

    >>> scale_steps({"weight.conv_1.weight": np.asarray([0.25, 0.75], np.float32)}, is_adaptive=True)
    {'weight.conv_1.weight': 5.0}
    """
    return {name: PACE * float(np.mean(scale)) if is_adaptive else 1.0 for name, scale in learned.items()}

"""A target that no runtime has: every width from 2 to 16 bits, and weights in groups that share a scale.

It answers what a model would lose with 4-bit weights, 16-bit activations or blocks of 32, before there is a kernel:
planned, calibrated, measured and simulated, and never deployed. Its kernels are those of `ort`.
"""

from __future__ import annotations

from clika_core.frozen import replace
from clika_core.schemes.integer_format import MAX_BITS, MIN_BITS
from clika_core.targets.ort import ORT

_WIDTHS = tuple(range(MIN_BITS, MAX_BITS + 1))

SIMULATION = replace(
    ORT,
    name="simulation",
    description="no runtime: any width, simulated",
    weight_bits=_WIDTHS,
    activation_bits=_WIDTHS,
    group_sizes=(32, 64, 128, 256),
    fixed_outputs={},
    has_file=False,
)

"""Number formats of quantized values: which codes exist and how they are stored.

A format says nothing about real values: that is the scale's part (`clika_core.numerics.quant_params`).
"""

from __future__ import annotations

from typing import TypeAlias

from clika_core.schemes.float_format import FloatFormat
from clika_core.schemes.integer_format import BIAS_BITS, CodeRange, IntegerFormat

__all__ = ["BIAS_BITS", "CodeRange", "FloatFormat", "Format", "IntegerFormat"]

Format: TypeAlias = IntegerFormat | FloatFormat

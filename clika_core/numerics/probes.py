"""Inputs on which implementations of `quantize` differ: for tests and the conformance kit of backends."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics import fp8
from clika_core.numerics.quant_params import QuantParams
from clika_core.schemes.formats import FloatFormat

_SPECIAL = np.array([0, np.inf, 2.0**-149, 2.0**-126, np.finfo(np.float32).max], np.float32)


def probe_values(params: QuantParams, count: int, seed: int = 0) -> NDArray[np.float32]:
    """At least `count` float32 values in one axis, for parameters per tensor; no NaN.

    Every tie between neighbouring codes and every code's value, each with the two floats on either side;
    every exponent, subnormal ones too, with both signs; both zeros and infinities; then values spread over
    the range and random bit patterns.
    """
    rng = np.random.default_rng(seed)
    hard = np.concatenate([_near_decisions(params), _every_exponent(rng), _SPECIAL])
    missing = max(0, count - 2 * hard.size)
    fill = np.concatenate([_over_the_range(params, rng, missing - missing // 2), _bits(rng, missing // 2)])
    return np.concatenate([hard, -hard, fill])


def _near_decisions(params: QuantParams) -> NDArray[np.float32]:
    """Ties and code values, and the two floats on either side of each."""
    grid = _grid(params) * float(params.scale)
    with np.errstate(over="ignore"):
        centre = np.concatenate([grid, (grid[:-1] + grid[1:]) / 2]).astype(np.float32)
    up, down = np.nextafter(centre, np.float32(np.inf)), np.nextafter(centre, np.float32(-np.inf))
    above, below = np.nextafter(up, np.float32(np.inf)), np.nextafter(down, np.float32(-np.inf))
    return np.concatenate([centre, up, down, above, below])


def _grid(params: QuantParams) -> NDArray[np.float64]:
    """The values of all codes in units of scale, ascending, and one step beyond either end."""
    format = params.format
    if isinstance(format, FloatFormat):
        codes = np.arange((format.num_codes + 1) // 2)
        positive = fp8.decode(codes, format).astype(np.float64)
        positive = np.append(positive, 2 * positive[-1] - positive[-2])
        return np.concatenate([-positive[:0:-1], positive])
    zero_point = int(params.zero_point)
    return np.arange(format.quant_min - zero_point - 1, format.quant_max - zero_point + 2, dtype=np.float64)


def _every_exponent(rng: np.random.Generator) -> NDArray[np.float32]:
    exponents = np.repeat(np.arange(-149, 128), 16)
    fractions = 1 + rng.integers(0, 2**23, exponents.size) / 2**23
    return np.ldexp(fractions, exponents).astype(np.float32)


def _over_the_range(params: QuantParams, rng: np.random.Generator, count: int) -> NDArray[np.float32]:
    grid = _grid(params)
    units = rng.uniform(1.25 * grid[0], 1.25 * grid[-1], count)
    with np.errstate(over="ignore"):
        return np.asarray((units * float(params.scale)).astype(np.float32))


def _bits(rng: np.random.Generator, count: int) -> NDArray[Any]:
    values = rng.integers(0, 2**32, count, dtype=np.uint32).view(np.float32)
    return np.where(np.isnan(values), np.float32(0), values)

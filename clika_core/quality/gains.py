"""Gains for one border: how much each channel of a value is raised before it is quantized, and its weights lowered.

A value x [..., C] has one scale, which its largest channel sets; channels a hundredth of that size get a few codes.
With gains g, y = W x is computed as (W / g) (g x). Channels whose ranges differ become alike, and the weights
differ more instead: each output channel of W has a scale of its own, set by its largest column. Between the two

    1 / g[c] = range(x[c])^alpha / range(W[:, c])^(1 - alpha)

balances (Xiao et al. 2023, "SmoothQuant", equation 4). Which alpha errs least depends on the value, so several are
tried, on other samples than those the ranges are from: a channel that is seen a few times only has a larger range
than what was seen of it, and gains make the largest of every channel the largest of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.numerics import QuantParams, fake_quantize, params_from_range, weight_params
from clika_core.schemes.scheme import QuantScheme

ALPHAS: Final = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LEAST: Final = 1e-5  # of the largest range: the least that counts as a channel's


@dataclass(frozen=True)
class Reader:
    """A linear layer's weight [O, C] and the scheme of its codes."""

    weight: NDArray[np.float32]
    scheme: QuantScheme


@dataclass(frozen=True)
class Ranges:
    """The ranges of a value's channels, `low` to `high` [C], and of the columns of its readers' weights, [C]."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    columns: NDArray[np.float32]

    @classmethod
    def of(cls, rows: NDArray[np.float32], readers: Sequence[Reader]) -> Ranges:
        """Those of rows [rows, C] of the value."""
        columns = np.max([np.abs(reader.weight).max(axis=0) for reader in readers], axis=0)
        return cls(rows.min(axis=0), rows.max(axis=0), columns)


@dataclass(frozen=True)
class Balance:
    """The gains [C] of a value, with a geometric mean of 1, and its parameters behind them."""

    gains: NDArray[np.float32]
    params: QuantParams

    @classmethod
    def of(cls, ranges: Ranges, alpha: float, scheme: QuantScheme) -> Balance:
        """By these ranges, all of which the parameters cover."""
        low, high = ranges.low, ranges.high
        values, weights = _floored(np.maximum(-low, high)), _floored(ranges.columns)
        logarithm = (1 - alpha) * np.log(weights) - alpha * np.log(values)
        gains = np.exp(logarithm - logarithm.mean()).astype(np.float32)
        least, most = float((low * gains).min()), float((high * gains).max())
        return cls(gains, params_from_range(least, most, scheme))

    def error(
        self,
        rows: NDArray[np.float32],
        readers: Sequence[Reader],
        wanted: Sequence[NDArray[np.float32]],
    ) -> float:
        """What `rounding_error` is with these gains; they leave the `wanted` outputs of rows as they are."""
        balanced = [Reader(divided(reader.weight, self.gains), reader.scheme) for reader in readers]
        return rounding_error(rows * self.gains, balanced, self.params, wanted)


def _floored(sizes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sizes of at least a share of the largest; ones where all are zero."""
    largest = float(sizes.max())
    return np.maximum(sizes.astype(np.float64), largest * LEAST) if largest else np.ones(sizes.shape)


def products(rows: NDArray[np.float32], readers: Sequence[Reader]) -> list[NDArray[np.float32]]:
    """What readers make of rows [rows, C]: [rows, O] each."""
    return [np.asarray(rows @ reader.weight.T) for reader in readers]


def rounding_error(
    rows: NDArray[np.float32],
    readers: Sequence[Reader],
    params: QuantParams,
    wanted: Sequence[NDArray[np.float32]],
) -> float:
    """Σ over readers of ||y' - y||² / ||y||² for a value's rows [rows, C] and its `wanted` products y.

    Value and weights are rounded in y'.
    """
    rounded = fake_quantize(rows, params)
    total = 0.0
    for reader, outputs in zip(readers, wanted, strict=True):
        found = rounded @ fake_quantize(reader.weight, weight_params(reader.weight, reader.scheme)).T
        energy = float(np.square(outputs, dtype=np.float64).sum())
        total += float(np.square(found - outputs, dtype=np.float64).sum()) / max(energy, 1e-30)
    return total


def divided(weight: NDArray[np.float32], gains: NDArray[np.float32]) -> NDArray[np.float32]:
    """W / g, float32 [O, C], rounded once."""
    return weight / gains

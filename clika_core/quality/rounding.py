"""Adaptive rounding: a weight is rounded up or down by what that does to the layer's output, not by what is nearer.

For a layer's inputs x, as the quantized model computes them, and an output channel's weight w, the codes q between
floor(w / s) and ceil(w / s) are chosen for a small

    (s q - w)' H (s q - w)        H = E[x x'], over samples and positions

which is the squared error of the output (Nagel et al. 2020, "Up or down? Adaptive rounding for post-training
quantization", section 3.2). Instead of following gradients, each element is rounded in turn and its error is passed
on to those not yet rounded, in the proportions that make up for it best: with U' U = inverse(H), U upper triangular,

    q[i] = rint(w[i] / s)        w[j] -= (w[i] - s q[i]) U[i, j] / U[i, i]    for j > i

(Frantar et al. 2023, "GPTQ", section 3). A channel for which that comes out worse keeps the nearest codes.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

DAMPING: Final = 0.01  # of the mean of H's diagonal: added to it, for inputs that vary little
BLOCK: Final = 64  # elements whose errors reach those behind the block at once

Reals = NDArray[np.float64]


def second_moments(rows: NDArray[np.float32]) -> Reals:
    """H for each of G groups of inputs, [G, D, D], of their rows [G, rows, D]."""
    products = np.matmul(rows.transpose(0, 2, 1), rows).astype(np.float64)
    return np.asarray(products / max(rows.shape[1], 1))


def adaptive_codes(ratios: Reals, moments: Reals, quant_min: float, quant_max: float) -> Reals:
    """The centred codes of w / s, [G, O, D], given H, [G, D, D]: each the floor or the ceiling, within the limits."""
    nearest = np.clip(np.rint(ratios), quant_min, quant_max)
    found = _passing_errors_on(ratios, moments, quant_min, quant_max)
    is_better = output_error(found - ratios, moments) < output_error(nearest - ratios, moments)
    return np.where(is_better[..., None], found, nearest)


def output_error(errors: Reals, moments: Reals) -> Reals:
    """e' H e for each output channel, [G, O]."""
    return np.asarray(np.einsum("god,god->go", errors @ moments, errors))


def _passing_errors_on(ratios: Reals, moments: Reals, quant_min: float, quant_max: float) -> Reals:
    order = np.argsort(
        -np.einsum("gdd->d", moments)
    )  # large inputs first, while there is most to make up with
    upper = _upper_root(moments[:, order][:, :, order])
    left = ratios[:, :, order]
    low, high = (np.clip(side(left), quant_min, quant_max) for side in (np.floor, np.ceil))
    codes = np.empty_like(left)
    size = left.shape[2]
    for start in range(0, size, BLOCK):
        end = min(start + BLOCK, size)
        errors = np.empty((*left.shape[:2], end - start))
        for i in range(start, end):
            codes[:, :, i] = np.clip(np.rint(left[:, :, i]), low[:, :, i], high[:, :, i])
            error = (left[:, :, i] - codes[:, :, i]) / upper[:, None, i, i]
            errors[:, :, i - start] = error
            left[:, :, i + 1 : end] -= error[:, :, None] * upper[:, None, i, i + 1 : end]
        left[:, :, end:] -= errors @ upper[:, start:end, end:]
    found = np.empty_like(codes)
    found[:, :, order] = codes
    return found


def _upper_root(moments: Reals) -> Reals:
    """U with U' U = inverse(H + damping)."""
    size = moments.shape[1]
    mean = np.einsum("gdd->g", moments) / size
    damping = np.where(mean > 0, DAMPING * mean, 1.0)
    inverse = np.linalg.inv(moments + damping[:, None, None] * np.eye(size))
    lower = np.linalg.cholesky((inverse + inverse.transpose(0, 2, 1)) / 2)
    return np.asarray(lower.transpose(0, 2, 1), np.float64)

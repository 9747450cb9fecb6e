"""Adaptive rounding: a weight is rounded up or down by what that does to the layer's output, not by what is nearer.

For a layer's inputs x, as the quantized model computes them, and an output channel's weight w, the codes q between
floor(w / s) and ceil(w / s) are chosen for a small

    e' H e        e = w / s - q        H = E[x x'], over samples and positions

which is the squared error of the output (Nagel et al. 2020, "Up or down? Adaptive rounding for post-training
quantization", section 3.2). With H = L L', L lower triangular, that is a sum of squares,

    e' H e = Σ_i L[i, i]² (e[i] + Σ_{j > i} e[j] L[j, i] / L[i, i])²

so that each element, the last one first, is rounded to what makes its own term least, given those already rounded
(Frantar et al. 2023, "GPTQ", section 3; Chee et al. 2023, "QuIP", section 3, has this form):

    q[i] = rint(w[i] / s + Σ_{j > i} e[j] L[j, i] / L[i, i])

A channel for which that comes out worse keeps the nearest codes. Elements far apart in a long row have little to
make up for one another, and the time of all this grows with the third power of their number: they are cut into
parts, as if H were 0 between them.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

DAMPING: Final = 0.01  # of the mean of H's diagonal: added to it, for inputs that vary little
MAX_SIZE: Final = 128  # elements that make up for one another
BLOCK: Final = 32  # elements that are given the errors of those behind them at once

Reals = NDArray[np.floating[Any]]


class Rounded(NamedTuple):
    """Centred codes [G, O, D], and e' H e of each output channel, [G, O], with the nearest codes and with these."""

    codes: NDArray[np.float64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]


def rounded(ratios: Reals, rows: NDArray[np.float32], quant_min: float, quant_max: float) -> Rounded:
    """Codes of w / s, [G, O, D], given inputs [G, rows, D]; parts of at most MAX_SIZE elements are rounded apart.

    Errors of a channel are then the sums of its parts'.
    """
    groups, outputs, size = ratios.shape
    found = adaptive_codes(_in_parts(ratios), second_moments(_in_parts(rows)), quant_min, quant_max)
    parts = len(found.codes) // groups
    codes = found.codes.reshape(groups, parts, outputs, -1).transpose(0, 2, 1, 3)
    before, after = (
        errors.reshape(groups, parts, outputs).sum(axis=1) for errors in (found.before, found.after)
    )
    return Rounded(codes.reshape(groups, outputs, -1)[:, :, :size], before, after)


def _in_parts(array: Reals) -> Reals:
    """[G, N, D] as [G P, N, S], cut into P parts of as many elements each, zeros behind the last."""
    groups, count, size = array.shape
    parts = -(-size // MAX_SIZE)
    if parts == 1:
        return array
    padded = np.pad(array, ((0, 0), (0, 0), (0, -size % parts)))
    cut = padded.reshape(groups, count, parts, -1).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(cut).reshape(groups * parts, count, -1)


def second_moments(rows: Reals) -> Reals:
    """H for each of G groups of inputs, [G, D, D], of their rows [G, rows, D]."""
    return np.asarray(np.matmul(rows.transpose(0, 2, 1), rows) / np.float32(max(rows.shape[1], 1)))


def adaptive_codes(ratios: Reals, moments: Reals, quant_min: float, quant_max: float) -> Rounded:
    """Codes of w / s, [G, O, D], given H, [G, D, D]: each the floor or the ceiling, within the limits."""
    exact = moments.astype(np.float64)
    nearest = np.clip(np.rint(ratios), quant_min, quant_max)
    found = _passing_errors_on(ratios, exact, quant_min, quant_max)
    before, after = (output_error(ratios - codes, exact) for codes in (nearest, found))
    codes = np.where((after < before)[..., None], found, nearest)
    return Rounded(codes, before, np.minimum(before, after))


def output_error(errors: Reals, moments: Reals) -> NDArray[np.float64]:
    """e' H e for each output channel, [G, O]."""
    return np.asarray(np.einsum("god,god->go", errors @ moments, errors))


def _passing_errors_on(
    ratios: Reals, moments: NDArray[np.float64], quant_min: float, quant_max: float
) -> NDArray[np.float64]:
    sizes, groups = np.einsum("gdd->gd", moments), np.arange(len(moments))[:, None]
    order = np.argsort(sizes, axis=1, kind="stable")  # large inputs last, to be rounded first
    passed = _passed_on(moments[groups[:, None], order[:, :, None], order[:, None]])
    wanted = ratios.transpose(0, 2, 1)[groups, order].astype(np.float64)
    low, high = (np.clip(side(wanted), quant_min, quant_max) for side in (np.floor, np.ceil))
    codes, errors = np.empty_like(wanted), np.empty_like(wanted)
    for end in range(wanted.shape[1], 0, -BLOCK):
        start = max(end - BLOCK, 0)
        block = wanted[:, start:end] + np.matmul(passed[:, start:end, end:], errors[:, end:])
        for i in range(end - 1, start - 1, -1):
            own = block[:, i - start]
            own += np.matmul(passed[:, i : i + 1, i + 1 : end], errors[:, i + 1 : end])[:, 0]
            np.minimum(np.maximum(np.rint(own), low[:, i]), high[:, i], out=codes[:, i])
            np.subtract(wanted[:, i], codes[:, i], out=errors[:, i])
    found = np.empty_like(codes)
    found[groups, order] = codes
    return found.transpose(0, 2, 1)


def _passed_on(moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """P[i, j] = L[j, i] / L[i, i], by which an error of element j > i reaches i, [G, D, D]; L L' = H with damping."""
    mean = np.einsum("gdd->g", moments) / moments.shape[1]
    damped = moments.copy()
    np.einsum("gdd->gd", damped)[...] += np.where(mean > 0, DAMPING * mean, 1.0)[:, None]
    lower = np.linalg.cholesky(damped)
    scaled = lower / np.einsum("gdd->gd", lower)[:, None, :]
    return np.ascontiguousarray(scaled.transpose(0, 2, 1), np.float64)

"""`QuantParams`: the numbers that tie codes to real values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.schemes.formats import BIAS_BITS, FloatFormat, Format
from clika_core.schemes.granularity import Granularity, PerChannel, PerGroup, PerTensor
from clika_core.schemes.serialization import (
    format_from_json,
    format_to_json,
    granularity_from_json,
    granularity_to_json,
    take_members,
)

MIN_SCALE: Final = 2.0**-100  # XLA and TensorFlow flush subnormals: a smaller scale makes them there


@dataclass(frozen=True, slots=True, eq=False)
class QuantParams:
    """Scale, zero point, format and granularity of one array: `real = (code - zero_point) · scale`.

    scale       float32, finite, >= 2**-100; shape () per tensor, (C,) per channel, blocked per group
                (`clika_core.schemes.granularity`)
    zero_point  int32, the code of 0.0, within [quant_min, quant_max]; same shape as scale (a scalar
                is broadcast). Always 0 for fp8 and for 32-bit biases

    Immutable: the arrays are copies that cannot be written. Two are equal when all four parts are. Raises
    `NumericsError` when an invariant does not hold.
    """

    scale: NDArray[np.float32]
    zero_point: NDArray[np.int32]
    format: Format
    granularity: Granularity

    def __post_init__(self) -> None:
        """Copy, check and freeze the arrays."""
        scale = np.array(self.scale, dtype=np.float32)
        zero_point = _as_integers(self.zero_point, scale.shape)
        _check_scale(scale)
        _check_rank(scale, self.granularity)
        _check_zero_point(zero_point, self.format)
        for name, array in (("scale", scale), ("zero_point", zero_point)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; scale and zero_point are numbers or nested lists. Exact: float32 survives."""
        return {
            "format": format_to_json(self.format),
            "granularity": granularity_to_json(self.granularity),
            "scale": self.scale.tolist(),
            "zero_point": self.zero_point.tolist(),
        }

    @classmethod
    def from_json(cls, data: object) -> QuantParams:
        """The inverse of `to_json`; raises `NumericsError` on anything else."""
        members = take_members(data, "QuantParams", ("format", "granularity", "scale", "zero_point"))
        return cls(
            _numbers(members["scale"], "scale"),
            _numbers(members["zero_point"], "zero_point"),
            format_from_json(members["format"]),
            granularity_from_json(members["granularity"]),
        )

    def __eq__(self, other: object) -> bool:
        """Equal formats, granularities, and arrays."""
        if not isinstance(other, QuantParams):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        """Consistent with equality."""
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        arrays = (self.scale.tobytes(), self.zero_point.tobytes())
        return (self.format, self.granularity, self.scale.shape, *arrays)


def _as_integers(zero_point: Any, shape: tuple[int, ...]) -> NDArray[np.int32]:
    array = np.asarray(zero_point)
    is_integral = array.dtype.kind in "iu" and bool(np.all(np.abs(array.astype(np.int64)) < 2**31))
    if not is_integral or array.shape not in ((), shape):
        raise NumericsError(
            "zero_point does not fit scale",
            found=f"{array.dtype} of shape {list(array.shape)}",
            expected=f"int32 of shape {list(shape)}",
            fix="give one integer zero point for each scale",
        )
    return np.array(np.broadcast_to(array, shape), dtype=np.int32)


def _check_scale(scale: NDArray[np.float32]) -> None:
    if scale.size and not (np.isfinite(scale).all() and scale.min() >= MIN_SCALE):
        raise NumericsError(
            "a scale is not usable",
            found=f"values from {scale.min()} to {scale.max()}",
            expected=f"finite values of at least 2**-100 ({MIN_SCALE:.3g})",
            fix="make parameters with params_from_range, which keeps to these limits",
        )


def _check_rank(scale: NDArray[np.float32], granularity: Granularity) -> None:
    fits = {PerTensor: scale.ndim == 0, PerChannel: scale.ndim == 1, PerGroup: scale.ndim >= 1}
    if not fits[type(granularity)]:
        raise NumericsError(
            "scale does not have the shape of its granularity",
            found=f"shape {list(scale.shape)} {granularity}",
            expected="() per tensor, (channels,) per channel, the divided shape per group",
            fix="use granularity.scale_shape(array.shape)",
        )


def _check_zero_point(zero_point: NDArray[np.int32], format: Format) -> None:
    is_fixed = isinstance(format, FloatFormat) or format.num_bits == BIAS_BITS
    low, high = (0, 0) if is_fixed else (format.quant_min, format.quant_max)
    if zero_point.size and not (zero_point.min() >= low and zero_point.max() <= high):
        raise NumericsError(
            "a zero_point is no code of its format",
            found=f"values from {zero_point.min()} to {zero_point.max()} for {format}",
            expected=f"{low:g} to {high:g}",
            fix="make parameters with params_from_range, which keeps to these limits",
        )


def _numbers(value: object, name: str) -> NDArray[Any]:
    try:
        array = np.array(value)
    except ValueError:  # a ragged list
        array = np.array(None)
    if array.dtype.kind not in "iuf":
        raise NumericsError(
            f"the stored member {name!r} holds no numbers",
            found=repr(value)[:80],
            expected="a number, or nested lists of numbers",
            fix="write the file again with this version",
        )
    return array

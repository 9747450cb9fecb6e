"""Which elements of an array share one scale.

| granularity       | elements sharing a scale                 | shape of `scale` for an array [6, 64, 3, 3] |
|-------------------|------------------------------------------|---------------------------------------------|
| `PerTensor()`     | all                                      | `()`                                        |
| `PerChannel(0)`   | those with the same index along the axis | `(6,)`                                      |
| `PerGroup(1, 32)` | 32 consecutive ones along the axis       | `(6, 2, 3, 3)`                              |

The shapes are those of ONNX QuantizeLinear: a scalar, a vector, or the array's shape with the axis divided.
"""

from __future__ import annotations

from typing import TypeAlias

from clika_core.errors import NumericsError
from clika_core.frozen import frozen


def normalize_axis(axis: int, shape: tuple[int, ...]) -> int:
    """`axis` counted from the front; raises `NumericsError` where `shape` has no such axis."""
    if not -len(shape) <= axis < len(shape):
        raise NumericsError(
            "the array has no such axis",
            found=f"axis {axis} for shape {list(shape)}",
            expected=f"an axis below {len(shape)}",
            fix="give the axis of the array that counts output channels",
        )
    return axis % len(shape)


@frozen
class PerTensor:
    """One scale for the whole array; `scale` has shape `()`."""

    def scale_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """`()`, whatever `shape` is."""
        return ()

    def __str__(self) -> str:
        """As messages print it."""
        return "per tensor"


@frozen
class PerChannel:
    """One scale for each index along `axis`; `scale` has shape `(shape[axis],)`.

    Negative axes count from the end.
    """

    axis: int

    def scale_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """`(shape[axis],)`; raises `NumericsError` where there is no such axis."""
        return (shape[normalize_axis(self.axis, shape)],)

    def __str__(self) -> str:
        """As messages print it."""
        return f"per channel (axis {self.axis})"


@frozen
class PerGroup:
    """One scale for each run of `size` elements along `axis`; the last run may be shorter.

    `scale` has the array's shape with `shape[axis]` replaced by `ceil(shape[axis] / size)`.
    """

    axis: int
    size: int

    def __post_init__(self) -> None:
        """Refuse empty groups."""
        if self.size < 1:
            raise NumericsError(
                "a group needs at least one element",
                found=f"size {self.size}",
                expected="32, 64, 128 or 256",
                fix="give the number of consecutive elements that share a scale",
            )

    def scale_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape with the axis divided, rounded up; raises `NumericsError` where there is no such axis."""
        axis = normalize_axis(self.axis, shape)
        num_groups = -(-shape[axis] // self.size)
        return (*shape[:axis], num_groups, *shape[axis + 1 :])

    def __str__(self) -> str:
        """As messages print it."""
        return f"per group of {self.size} (axis {self.axis})"


Granularity: TypeAlias = PerTensor | PerChannel | PerGroup

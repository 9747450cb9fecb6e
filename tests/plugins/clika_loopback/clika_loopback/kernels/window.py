"""Windows that slide over the last axes of an array: what convolutions and pools share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from clika_loopback.kernels.kernel import Array, Attributes, last_axes


@dataclass(frozen=True, slots=True)
class Window:
    """Kernel sizes, strides, (before, after) paddings and dilations, one entry per spatial axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilations: tuple[int, ...]

    @classmethod
    def of(
        cls, attributes: Attributes, kernel: Sequence[int], strides: Sequence[int] | None = None
    ) -> Window:
        """The window that attributes describe; steps of 1, no padding, no dilation where they say nothing."""
        ones = (1,) * len(kernel)
        return cls(
            tuple(kernel),
            tuple(attributes.get("strides") or strides or ones),
            tuple((int(a), int(b)) for a, b in attributes.get("padding") or ((0, 0),) * len(kernel)),
            tuple(attributes.get("dilations") or ones),
        )

    def attributes(self) -> dict[str, Any]:
        """The attributes of the vocabulary."""
        return {
            "kernel_size": self.kernel,
            "strides": self.strides,
            "padding": self.padding,
            "dilations": self.dilations,
        }

    def reached(self) -> tuple[int, ...]:
        """How many elements a window spans along each axis, dilations included."""
        return tuple(d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilations, strict=True))

    def padded(self, x: Array, value: float, *, extra: Sequence[int] | None = None) -> Array:
        """`x` with its last axes padded; `extra` elements more behind each."""
        more = extra or (0,) * len(self.kernel)
        spatial = [(a, b + c) for (a, b), c in zip(self.padding, more, strict=True)]
        around = [(0, 0)] * (x.ndim - len(spatial)) + spatial
        return np.pad(x, around, constant_values=value)

    def views(self, padded: Array) -> Array:
        """[..., *positions, *kernel]: every window of an array that is padded already."""
        rank = len(self.kernel)
        axes = tuple(range(padded.ndim - rank, padded.ndim))
        every = sliding_window_view(padded, self.reached(), axes)
        steps = [slice(None, None, step) for step in (*self.strides, *self.dilations)]
        return last_axes(every, steps)

    def extra_for_ceiling(self, sizes: Sequence[int]) -> tuple[int, ...]:
        """What `ceil_mode` adds behind each axis: room for a last window that starts inside the input."""
        found = []
        for size, (before, after), span, step in zip(
            sizes, self.padding, self.reached(), self.strides, strict=True
        ):
            room = size + before + after - span
            count = -(-room // step) + 1
            if (count - 1) * step >= size + before:
                count -= 1
            found.append(max((count - 1) * step - room, 0))
        return tuple(found)

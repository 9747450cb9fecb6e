"""`SAME`, as TensorFlow and LiteRT mean it."""

from __future__ import annotations

from collections.abc import Sequence


def same_padding(
    sizes: Sequence[int], kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int] | None
) -> tuple[tuple[int, int], ...]:
    """(before, after) that gives size / stride results, rounded up; the odd one stands behind."""
    found = []
    gaps = dilations or (1,) * len(kernel)
    for size, width, step, gap in zip(sizes, kernel, strides, gaps, strict=True):
        total = max((-(-size // step) - 1) * step + (width - 1) * gap + 1 - size, 0)
        found.append((total // 2, total - total // 2))
    return tuple(found)

"""The residual net in Flax NNX: the layers of `cases.residual_net` in the same order."""

from __future__ import annotations

from typing import Any

from flax import nnx

from benchmarks.post_training.cases import RESIDUAL_BLOCKS


class _Conv(nnx.Module):
    def __init__(self, given: int, wanted: int, kernel: int = 3, stride: int = 1, *, rngs: nnx.Rngs) -> None:
        self.conv = nnx.Conv(
            given,
            wanted,
            (kernel, kernel),
            strides=stride,
            padding=kernel // 2,
            use_bias=False,
            rngs=rngs,
        )
        self.norm = nnx.BatchNorm(wanted, epsilon=1e-5, use_running_average=True, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        return self.norm(self.conv(x))


class _Block(nnx.Module):
    def __init__(self, before: int, after: int, stride: int, *, rngs: nnx.Rngs) -> None:
        self.first = _Conv(before, after, stride=stride, rngs=rngs)
        self.second = _Conv(after, after, rngs=rngs)
        has_shortcut = stride != 1 or before != after
        self.shortcut = _Conv(before, after, 1, stride, rngs=rngs) if has_shortcut else None

    def __call__(self, x: Any) -> Any:
        found = self.second(nnx.relu(self.first(x)))
        return nnx.relu(found + (x if self.shortcut is None else self.shortcut(x)))


class ResidualNet(nnx.Module):
    """Images are channels last."""

    def __init__(self) -> None:
        rngs = nnx.Rngs(0)
        self.stem = _Conv(1, 16, rngs=rngs)
        self.blocks = nnx.List([_Block(*block, rngs=rngs) for block in RESIDUAL_BLOCKS])
        self.head = nnx.Linear(RESIDUAL_BLOCKS[-1][1], 10, rngs=rngs)

    def __call__(self, x: Any) -> Any:
        x = nnx.relu(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(axis=(1, 2)))

"""Operators over sizes that are free to change, and small networks of them, as torch users write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

Function = Callable[[Tensor], Any]
TABLE = torch.arange(600.0).reshape(100, 6)


def _causal(x: Tensor) -> Tensor:
    """A mask by comparison of positions, and scores that it hides."""
    place = torch.arange(x.shape[1])
    scores = x @ x.transpose(1, 2)
    return scores + torch.where(place[None, :] <= place[:, None], 0.0, -1e4)


def _filled(x: Tensor) -> Tensor:
    n, length, width = x.shape
    made = torch.full((length, width), 0.5) + torch.ones(length, 1) + torch.zeros(n, length, width)
    return x + made * torch.full((), length)


def _packed(x: Tensor) -> Tensor:
    """Where positions begin anew, as model libraries look for sequences that were packed together."""
    place = torch.arange(x.shape[1]).expand(x.shape[0], -1)
    breaks = place.diff(prepend=place[:, :1] - 1, dim=-1) != 1
    return x + breaks.cumsum(-1)[..., None]


def _halves(x: Tensor) -> Tensor:
    first, second = x.chunk(2, dim=1)
    return torch.cat([second[:, :2], first[:, :2]], 1)


def _attended(x: Tensor) -> Tensor:
    return functional.scaled_dot_product_attention(
        x, x[:, : x.shape[1] // 2], x[:, x.shape[1] // 2 * 1 :][:, : x.shape[1] // 2], is_causal=True
    )


OVER_LENGTH: Mapping[str, Function] = {
    "arange": lambda x: x + torch.arange(x.shape[1])[:, None] + torch.arange(2, x.shape[1] + 2, 1.0)[:, None],
    "attention, causal": lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True),
    "attention, causal over other keys": _attended,
    "comparison of positions": _causal,
    "difference": _packed,
    "division by a length": lambda x: x.sum(1) / x.shape[1],
    "full ones zeros": _filled,
    "last": lambda x: x[:, -1] + x[:, x.shape[1] - 1],
    "look-up of positions": lambda x: functional.embedding(torch.arange(x.shape[1]), TABLE) + x,
    "padding to a multiple": lambda x: functional.pad(x, (0, 0, 0, -x.shape[1] % 4)).reshape(
        x.shape[0], -1, 4, 6
    ),
    "repeat": lambda x: x.repeat(1, 2, 1) + torch.ones(x.shape[1] * 2, 1),
    "reshape into heads": lambda x: x.reshape(x.shape[0], x.shape[1], 2, 3).transpose(1, 2).flatten(2),
    "reshape of two free axes": lambda x: x.reshape(-1, 3),
    "slice of a table": lambda x: x + TABLE[: x.shape[1]],
    "sort": lambda x: x.sort(1)[0],
    "split in halves": _halves,
    "top_k of half": lambda x: x.topk(x.shape[1] // 2, 1)[0],
    "triangle": lambda x: torch.ones(x.shape[1], x.shape[1]).tril() @ x,
    "variance": lambda x: (x.var(1), x.std((0, 1), unbiased=False)),
}
"""Functions of [N, L, 6] with L free."""

OVER_SPACE: Mapping[str, Function] = {
    "convolution and pool": lambda x: functional.max_pool2d(
        functional.conv2d(x, torch.ones(3, 4, 3, 3), stride=2), 2
    ).mean((2, 3)),
    "global pool": lambda x: functional.adaptive_avg_pool2d(x, 1).flatten(1),
    "pixel shuffle": lambda x: functional.pixel_shuffle(x, 2),
    "pixel unshuffle": lambda x: functional.pixel_unshuffle(
        x[..., : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2], 2
    ),
    "resize by a factor": lambda x: functional.interpolate(x, scale_factor=2.0, mode="bilinear"),
    "resize by a broken factor": lambda x: functional.interpolate(x, scale_factor=1.7, mode="bilinear"),
    "resize to another size": lambda x: functional.interpolate(
        x[..., ::2, ::2], size=x.shape[2:], mode="bilinear", align_corners=False
    ),
    "resize to the nearest": lambda x: functional.interpolate(x[..., ::2, ::2], size=x.shape[2:]),
    "tokens of an image": lambda x: x.flatten(2).transpose(1, 2).mean(1),
}
"""Functions of [N, 4, H, W] with H and W free."""


class Block(nn.Module):
    """Attention over what came before, and a dense pair."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mixed, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n, length, width = x.shape
        mixed = self.mixed(self.first(x)).view(n, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = mixed.unbind(0)
        scores = query @ key.transpose(-1, -2) / (width // self.heads) ** 0.5
        attended = (scores + mask).softmax(-1) @ value
        x = x + self.out(attended.transpose(1, 2).reshape(n, length, width))
        y: Tensor = x + self.down(functional.gelu(self.up(self.second(x))))
        return y


class LanguageModel(nn.Module):
    """A decoder that learns its positions; tokens see themselves and what came before, as far as it is no padding."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(40, width), nn.Embedding(64, width)
        self.blocks = nn.ModuleList(Block(width, 2) for _ in range(2))
        self.head = nn.Linear(width, 40)

    def forward(self, ids: Tensor, mask: Tensor) -> Any:
        length = ids.shape[1]
        x = self.tokens(ids) + self.positions(torch.arange(length))
        seen = torch.ones(length, length, dtype=torch.bool).tril() & mask[:, None, None, :].bool()
        added = torch.where(seen, 0.0, -1e4)
        for block in self.blocks:
            x = block(x, added)
        return self.head(x)


def sentences(count: int, length: int) -> dict[str, Tensor]:
    """Tokens and the mask of their padding, the same at every call."""
    mask = torch.ones(count, length, dtype=torch.int64)
    mask[-1, -2:] = 0
    source = torch.Generator().manual_seed(100 * count + length)
    return {"ids": torch.randint(0, 40, (count, length), generator=source), "mask": mask}

"""Operators as torch users write them, for which there is no kernel in NumPy to compare with: torch is the judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

IMAGE = (4, 6, 6)
Function = Callable[..., Any]


def _mask(x: Tensor) -> Tensor:
    """A causal mask made for every batch, as model libraries make it."""
    size = x.shape[1]
    allowed = torch.ones(size, size, dtype=torch.bool).tril()
    return allowed[None, None].expand(x.shape[0], 1, size, size)


def _masked(x: Tensor) -> Tensor:
    q = x.reshape(*x.shape[:-1], 2, 3).transpose(1, 2)
    return functional.scaled_dot_product_attention(q, q, q, attn_mask=_mask(x))


def _looked_up(x: Tensor) -> Tensor:
    """A padding mask read by position, one sample at a time."""
    batch, place = torch.arange(x.shape[0])[:, None, None], torch.arange(4)[None, None, :]
    return (x > 0)[batch, place]


def _shared_heads(x: Tensor) -> Tensor:
    q = x.reshape(*x.shape[:-1], 4, 2).transpose(1, 2)
    return functional.scaled_dot_product_attention(q, q[:, :2], q[:, :2], enable_gqa=True)


FUNCTIONS: Mapping[str, tuple[Function, tuple[int, ...]]] = {
    "adaptive_avg_pool": (lambda x: functional.adaptive_avg_pool2d(x, (4, 5)), IMAGE),
    "adaptive_avg_pool larger": (lambda x: functional.adaptive_avg_pool2d(x, (7, 9)), IMAGE),
    "adaptive_max_pool": (lambda x: functional.adaptive_max_pool2d(x, (3, 2)), IMAGE),
    "addcmul": (lambda x: torch.addcmul(x, x, x, value=0.3), IMAGE),
    "all any": (lambda x: (x.gt(-1).all(1), x.gt(1).any(2)), IMAGE),
    "argmax argmin": (lambda x: (x.argmax(1), x.argmin(3, keepdim=True)), IMAGE),
    "attention masked": (_masked, (5, 6)),
    "attention shared": (_shared_heads, (5, 8)),
    "bitwise": (lambda x: (x.gt(0) & x.lt(1), x.gt(0) | x.lt(-1), ~x.gt(0)), IMAGE),
    "constant": (lambda x: (x, torch.arange(3.0)), IMAGE),
    "cumsum": (lambda x: x.cumsum(1), IMAGE),
    "einsum": (lambda x: torch.einsum("n c h w, n c v w -> n h v", x, x), IMAGE),
    "erfc": (lambda x: x.erfc(), IMAGE),
    "exponentials": (lambda x: (x.exp2(), x.expm1()), IMAGE),
    "floor_divide remainder": (lambda x: (x // 0.3, x % 0.3), IMAGE),
    "full": (lambda x: x + torch.full_like(x, 2.0) + torch.ones_like(x) + torch.zeros_like(x), IMAGE),
    "gather_elements": (lambda x: x.gather(1, x[:, :2].gt(0).long()), IMAGE),
    "gather_elements of a table": (
        lambda x: torch.arange(10.0).expand(x.shape[0], -1).gather(1, x[:, :, 0, 0].gt(0).long() + 2),
        IMAGE,
    ),
    "repeat": (lambda x: x + torch.arange(6.0).repeat(x.shape[0], 4, 6, 1), IMAGE),
    "glu": (lambda x: functional.glu(x, 1), IMAGE),
    "grid_sample": (
        lambda x: functional.grid_sample(x, x[:, :2].permute(0, 2, 3, 1).clamp(-1, 1), align_corners=False),
        IMAGE,
    ),
    "index": (lambda x: x[:, torch.tensor([2, 0])], IMAGE),
    "index along several": (lambda x: x[:, torch.tensor([[2], [0]]), torch.tensor([[1, 3]])], IMAGE),
    "index by position": (_looked_up, IMAGE),
    "instance_norm": (lambda x: functional.instance_norm(x), IMAGE),
    "is_nan is_finite": (lambda x: (x.isnan(), x.isfinite()), IMAGE),
    "log_sigmoid": (lambda x: functional.logsigmoid(x), IMAGE),
    "log_sum_exp": (lambda x: x.logsumexp((1, 2)), IMAGE),
    "logarithms": (lambda x: (x.abs().log1p(), (x.abs() + 1).log2(), (x.abs() + 1).log10()), IMAGE),
    "logical_xor ne": (lambda x: (x.gt(0).logical_xor(x.lt(1)), x.ne(0.5)), IMAGE),
    "masked_fill": (lambda x: x.masked_fill(x > 0, -3.0), IMAGE),
    "norm": (lambda x: (torch.linalg.vector_norm(x, dim=1), torch.linalg.vector_norm(x, 1, dim=2)), IMAGE),
    "one_hot": (lambda x: functional.one_hot(x.gt(0).long(), 3), IMAGE),
    "prelu": (lambda x: functional.prelu(x, torch.tensor([0.1, 0.2, 0.3, 0.4])), IMAGE),
    "reduce_max reduce_min": (lambda x: (x.amax((1, 2)), *x.max(1), x.min(2)[0]), IMAGE),
    "resize": (lambda x: functional.interpolate(x, size=(9, 4), mode="bilinear"), IMAGE),
    "resize by a factor": (lambda x: functional.interpolate(x, scale_factor=1.7, mode="bilinear"), IMAGE),
    "resize corners": (
        lambda x: functional.interpolate(x, size=(9, 8), mode="bilinear", align_corners=True),
        IMAGE,
    ),
    "resize cubic": (lambda x: functional.interpolate(x, size=(9, 12), mode="bicubic"), IMAGE),
    "rms_norm": (lambda x: functional.rms_norm(x, (6,), torch.arange(6.0)), IMAGE),
    "roll": (lambda x: torch.roll(x, (1, -2), (2, 3)), IMAGE),
    "scatter": (lambda x: x.scatter(1, x[:, :1].gt(0).long(), x[:, :1] * 2), IMAGE),
    "sort": (lambda x: x.sort(2, descending=True)[0], IMAGE),
    "stack": (lambda x: torch.stack([x, x * 2], 1), IMAGE),
    "sums of mixed dtypes": (lambda x: x + x.gt(0), IMAGE),
    "top_k": (lambda x: x.topk(2, 1), IMAGE),
    "tril triu": (lambda x: (x.tril(), x.triu(1)), IMAGE),
    "unfold": (lambda x: functional.unfold(x, (3, 2), padding=1, stride=2), IMAGE),
    "var std": (lambda x: (x.var((1, 2)), x.std(3, keepdim=True)), IMAGE),
    "where": (lambda x: torch.where(x > 0, x, 0.5), IMAGE),
}


class Applied(nn.Module):
    """A function as a module."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Any:
        return self.function(x)


def recurrent(kind: type[nn.LSTM] | type[nn.GRU], **options: Any) -> nn.Module:
    """A recurrent layer with random weights; gives its outputs and final states."""
    torch.manual_seed(0)
    return kind(6, 5, **options).eval()


RECURRENT: Mapping[str, Callable[[], nn.Module]] = {
    "lstm": lambda: recurrent(nn.LSTM, batch_first=True),
    "lstm stacked, both ways": lambda: recurrent(nn.LSTM, batch_first=True, num_layers=2, bidirectional=True),
    "lstm without bias": lambda: recurrent(nn.LSTM, batch_first=True, bias=False),
    "gru": lambda: recurrent(nn.GRU, batch_first=True),
    "gru stacked, both ways": lambda: recurrent(nn.GRU, batch_first=True, num_layers=2, bidirectional=True),
}


class Queries(nn.Module):
    """A decoder's queries begin as zeros for every sample: layers on constants alone, and readers of their size."""

    def __init__(self) -> None:
        super().__init__()
        self.positions, self.value, self.norm = nn.Embedding(5, 6), nn.Linear(6, 8), nn.LayerNorm(6)

    def forward(self, x: Tensor) -> Any:
        positions = self.positions.weight.unsqueeze(0).repeat(x.shape[0], 1, 1)
        queries = torch.zeros_like(positions)
        values = self.value(queries)
        return values.reshape(-1, 4), self.norm(queries) + positions, values @ x


LAYERS: Mapping[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    **{name: ((lambda f=f: Applied(f)), shape) for name, (f, shape) in FUNCTIONS.items()},  # type: ignore[misc]
    **{name: (make, (7, 6)) for name, make in RECURRENT.items()},
    "constants for every sample": (Queries, (8, 3)),
}

"""Inputs of the architectures: a batch of n samples, the same at every call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch


def images(*shape: int) -> Callable[[int], Any]:
    """Standard normal, one argument."""
    return lambda n: (torch.randn(n, *shape, generator=_source(n)),)


def tokens(vocabulary: int, length: int, **more: Callable[[int], torch.Tensor]) -> Callable[[int], Any]:
    """`input_ids` below `vocabulary` and an attention mask of ones, by keyword; `more` arguments by name."""

    def make(n: int) -> dict[str, torch.Tensor]:
        ids = torch.randint(0, vocabulary, (n, length), generator=_source(n))
        mask = torch.ones(n, length, dtype=torch.int64)
        return {"input_ids": ids, "attention_mask": mask, **{name: value(n) for name, value in more.items()}}

    return make


def _source(n: int) -> torch.Generator:
    return torch.Generator().manual_seed(n)

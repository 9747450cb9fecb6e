"""`Entry`: one architecture that people use, how it is built with random weights, and what it is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Entry:
    """`make()` builds the model, `inputs(n)` a batch of n samples as it takes them; `family` names where it is from.

    `is_everyday` entries are tried in the default tests, all in the nightly ones.
    """

    name: str
    family: str
    make: Callable[[], nn.Module]
    inputs: Callable[[int], Any]
    is_everyday: bool = False

    def model(self) -> nn.Module:
        """The model from one seed, in evaluation mode, with batch norms as after some training."""
        torch.manual_seed(0)
        model = self.make().eval()
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
                nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
        return model


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

"""All architectures that can be built here."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from clika_torch.structure import flatten
from tests.backends.torch.harness import TorchHarness
from tests.backends.torch.zoo import small
from tests.backends.zoo.entry import Entry, Zoo
from tests.backends.zoo.installed import has_packages


class TorchZoo(Zoo):
    """PyTorch: torchvision, timm, transformers, and models written here."""

    harness = TorchHarness()
    capture = "clika_torch.tracing.export"
    frameworks = ("torch", "timm", "torchvision", "transformers")
    packages = ("timm", "torchvision", "transformers")

    def entries(self) -> tuple[Entry, ...]:
        if not has_packages(self):
            return small.ENTRIES
        from tests.backends.torch.zoo import language, vision

        return (*vision.ENTRIES, *language.ENTRIES, *small.ENTRIES)

    def model(self, entry: Entry) -> nn.Module:
        """The model from one seed, in evaluation mode, with batch norms as after some training.

        Weights that begin as zeros (a head, the last norm of a residual branch) hide what is in front of them.
        """
        torch.manual_seed(0)
        model: nn.Module = entry.make().eval()
        for module in model.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats:
                nn.init.normal_(module.running_mean, std=0.1)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 1.5)  # type: ignore[arg-type]
        for name, weight in model.named_parameters():
            if name.endswith("weight") and not weight.any():
                nn.init.uniform_(weight, 0.5, 1.5) if weight.dim() == 1 else nn.init.normal_(weight, std=0.1)
        return model

    def widened(self, model: nn.Module, inputs: Any) -> tuple[nn.Module, Any]:
        def wide(value: Any) -> Any:
            return value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value

        if isinstance(inputs, dict):
            return copy.deepcopy(model).double(), {name: wide(value) for name, value in inputs.items()}
        return copy.deepcopy(model).double(), tuple(map(wide, inputs))

    def leaves(self, result: Any) -> Iterator[torch.Tensor]:
        return iter(flatten(result).leaves.values())


ZOO = TorchZoo()

"""A small task to fine-tune on: a classifier of noisy patterns, with its data as users write it."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

CLASSES = 4


class SmallClassifier(nn.Module):
    """Convolutions with batch norm, pooling, two linear layers."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.hidden = nn.Linear(8, 16)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, image: Tensor) -> Tensor:
        features = torch.flatten(self.pool(self.features(image)), 1)
        logits: Tensor = self.head(torch.relu(self.hidden(features)))
        return logits


class TwoOutputs(nn.Module):
    """Takes two inputs by name, returns a dict."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(6, 8), nn.Linear(4, 8)
        self.body = nn.Linear(8, 8)
        self.classes, self.size = nn.Linear(8, CLASSES), nn.Linear(8, 1)

    def forward(self, left: Tensor, right: Tensor) -> dict[str, Tensor]:
        hidden = torch.relu(self.body(torch.relu(self.left(left) + self.right(right))))
        return {"classes": self.classes(hidden), "size": self.size(hidden)}


def images(count: int = 96, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Images [count, 1, 8, 8] whose class is the direction of their stripes, and labels [count]."""
    draws = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (count,), generator=draws)
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    stripes = torch.stack([torch.sin(rows * 2), torch.sin(columns * 2), torch.sin(rows + columns), rows * 0])
    noise = 0.3 * torch.randn(count, 1, 8, 8, generator=draws)
    return stripes[labels][:, None] + noise, labels


def loader(count: int = 96, seed: int = 0, *, is_shuffled: bool = True) -> DataLoader[Any]:
    """Batches of 16, shuffled by the global random numbers."""
    return DataLoader(TensorDataset(*images(count, seed)), batch_size=16, shuffle=is_shuffled)


def trained(epochs: int = 8) -> SmallClassifier:
    """The classifier after a short float training, in evaluation mode; the same on every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = SmallClassifier()
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        for _ in range(epochs):
            for inputs, targets in loader():
                loss = nn.functional.cross_entropy(model(inputs), targets)
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
    return model.eval()


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The share of right classes."""
    return (outputs.argmax(dim=1) == targets).float().mean()

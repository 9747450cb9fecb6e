"""The torch backend's part of the conformance kit: the reference models as torch users write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from clika_core.backend.interface import Backend
from clika_core.testing import BackendHarness, Subject
from clika_torch.backend import TorchBackend


class TorchHarness(BackendHarness):
    """PyTorch, eager; compiled code through aot_eager, which needs no C++ compiler."""

    def __init__(self, backend: Backend | None = None) -> None:
        """`backend` replaces the real one, by one that is wrong on purpose."""
        self.backend = backend or TorchBackend()

    def builders(self) -> Mapping[str, Callable[[], Subject]]:
        image, vector = (3, 12, 12), (6,)
        return {
            "classifier": lambda: _subject(_Classifier, *image),
            "residual": lambda: _subject(_Residual, *image),
            "depthwise": lambda: _subject(_Depthwise, *image),
            "gated": lambda: _subject(_Gated, *image),
            "branches": lambda: _subject(_Branches, *image),
            "two_outputs": lambda: _subject(_TwoOutputs, *image),
            "bypass": lambda: _subject(_Bypass, *vector),
            "shared": lambda: _subject(_Shared, *vector),
            "transformer": lambda: _subject(_Block, 5, 16),
            "lstm": _tagger,
        }

    def state(self, model: nn.Module) -> Mapping[str, NDArray[Any]]:
        return {name: held.detach().numpy().copy() for name, held in model.state_dict().items()}

    def gradient(self, function: Callable[[Tensor], Tensor], array: Tensor) -> Tensor:
        leaf = array.clone().requires_grad_()
        (found,) = torch.autograd.grad(function(leaf).sum(), leaf)
        return found

    def compiled(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return torch.compile(function, backend="aot_eager", fullgraph=True)

    def train(self, native: Any, inputs: Any, steps: int) -> list[float]:
        optimizer = torch.optim.SGD(native.parameters(), lr=0.02)
        losses = []
        for _ in range(steps):
            optimizer.zero_grad()
            loss = next(self.leaves(native(*inputs))).square().mean()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    def call(self, model: Any, inputs: Any) -> Any:
        with torch.no_grad():
            return super().call(model, inputs)


def _subject(make: Callable[[], nn.Module], *shape: int) -> Subject:
    torch.manual_seed(0)
    model = make().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
    return Subject(model, lambda n, random: (torch.from_numpy(_normal(random, n, *shape)),))


def _normal(random: np.random.Generator, *shape: int) -> NDArray[np.float32]:
    return random.standard_normal(shape).astype(np.float32)


def _tagger() -> Subject:
    torch.manual_seed(0)
    return Subject(_Tagger().eval(), lambda n, random: (torch.from_numpy(random.integers(0, 20, (n, 7))),))


class _Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 12, 3, padding=1),
            nn.ReLU(),
        )
        self.head = nn.Sequential(nn.Linear(12, 10), nn.ReLU(), nn.Linear(10, 5))

    def forward(self, x: Tensor) -> Any:
        return self.head(functional.adaptive_avg_pool2d(self.features(x), 1).flatten(1))


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1, bias=False)
        self.norm, self.head = nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        y = functional.relu(self.stem(x))
        z = self.norm(self.body(y))
        z += y
        return self.head(functional.relu(z).mean((2, 3)))


class _Depthwise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.expand = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU6(inplace=True))
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, 2, 1, groups=8), nn.ReLU6(inplace=True))
        self.project, self.head = nn.Conv2d(8, 4, 1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.project(self.depthwise(self.expand(x))).mean((2, 3)))


class _Gated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.gate, self.head = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 1), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        y = functional.relu(self.stem(x))
        gated = y * torch.sigmoid(self.gate(functional.adaptive_avg_pool2d(y, 1)))
        return self.head(functional.adaptive_avg_pool2d(gated, 1).flatten(1))


class _Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.narrow = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 3, 1)
        self.wide, self.head = nn.Conv2d(4, 5, 3, padding=1), nn.Conv2d(8, 4, 1)

    def forward(self, x: Tensor) -> Any:
        y = functional.relu(self.stem(x))
        return self.head(torch.cat([self.narrow(y), self.wide(y)], dim=1))


class _TwoOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.boxes, self.scores = (
            nn.Conv2d(3, 8, 3, padding=1),
            nn.Conv2d(8, 4, 1),
            nn.Conv2d(8, 2, 1),
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = functional.relu(self.stem(x))
        return {"boxes": self.boxes(y), "scores": self.scores(y).sigmoid()}


class _Bypass(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Any:
        y = self.first(x)
        return y + self.second(y)


class _Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block, self.head = nn.Linear(6, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Any:
        return self.head(functional.relu(self.block(functional.relu(self.block(x)))))


class _Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(16, 16) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(16), nn.LayerNorm(16)
        self.grow, self.shrink = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x: Tensor) -> Any:
        q, k, v = (layer(x).unflatten(-1, (2, 8)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        mixed = functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = self.norm1(x + self.out(mixed))
        return self.norm2(x + self.shrink(functional.gelu(self.grow(x))))


class _Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(20, 8), nn.LSTM(8, 6, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, tokens: Tensor) -> Any:
        return self.head(self.lstm(self.embed(tokens))[0])

"""The architectures in PyTorch, as its users write them. Inputs are channels first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Conv(nn.Sequential):
    def __init__(self, given: int, wanted: int, kernel: int = 3, stride: int = 1, groups: int = 1) -> None:
        super().__init__(
            nn.Conv2d(
                given, wanted, kernel, stride, kernel // 2 if stride == 1 else 0, groups=groups, bias=False
            ),
            nn.BatchNorm2d(wanted),
        )


class ResidualCnn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.first, self.second = _Conv(3, 8), _Conv(8, 8), _Conv(8, 8)
        self.down, self.shortcut = _Conv(8, 12, stride=2), _Conv(8, 12, 1, stride=2)
        self.head = nn.Linear(12, 5)

    def forward(self, x: Tensor) -> Any:
        x = functional.relu(self.stem(x))
        x = functional.relu(x + self.second(functional.relu(self.first(x))))
        padded = functional.pad(x, (1, 1, 1, 1))
        x = functional.relu(self.down(padded) + self.shortcut(x))
        return self.head(functional.adaptive_avg_pool2d(x, 1).flatten(1))


class MobileBlocks(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = _Conv(3, 8)
        self.expand, self.depthwise, self.project = _Conv(8, 16, 1), _Conv(16, 16, groups=16), _Conv(16, 8, 1)
        self.last, self.head = _Conv(8, 12, 1), nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Any:
        x = functional.relu6(self.stem(x))
        x = x + self.project(functional.relu6(self.depthwise(functional.relu6(self.expand(x)))))
        return self.head(functional.relu6(self.last(x)).mean((2, 3)))


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.enter, self.inner, self.leave = _Conv(3, 8), _Conv(8, 12), _Conv(20, 8)
        self.head = nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Any:
        skip = functional.relu(self.enter(x))
        deep = functional.relu(self.inner(functional.max_pool2d(skip, 2)))
        up = functional.interpolate(deep, scale_factor=2, mode="nearest")
        return self.head(functional.relu(self.leave(torch.cat([up, skip], 1))))


class Detector(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.neck = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)
        self.boxes, self.scores = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 3, 1)

    def forward(self, x: Tensor) -> Any:
        x = functional.relu(self.neck(functional.relu(self.backbone(x))))
        return self.boxes(x), torch.sigmoid(self.scores(x))


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(16, 16) for _ in range(4))

    def forward(self, x: Tensor) -> Any:
        q, k, v = (layer(x).unflatten(-1, (2, 8)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        return self.out(functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))


class Encoder(nn.Module):
    def __init__(self, pre_norm: bool) -> None:
        super().__init__()
        self.pre_norm, self.attention = pre_norm, _Attention()
        self.norm1, self.norm2 = nn.LayerNorm(16, 1e-3), nn.LayerNorm(16, 1e-3)
        self.grow, self.shrink, self.head = nn.Linear(16, 32), nn.Linear(32, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Any:
        if self.pre_norm:
            x = x + self.attention(self.norm1(x))
            x = x + self.shrink(functional.gelu(self.grow(self.norm2(x))))
        else:
            x = self.norm1(x + self.attention(x))
            x = self.norm2(x + self.shrink(functional.gelu(self.grow(x))))
        return self.head(x)


class Tagger(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.lstm = nn.Embedding(20, 8), nn.LSTM(8, 6, batch_first=True)
        self.hidden, self.head = nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, tokens: Tensor) -> Any:
        return self.head(functional.relu(self.hidden(self.lstm(self.embed(tokens))[0])))


class SuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features, self.body = nn.Conv2d(3, 8, 5, padding=2), nn.Conv2d(8, 8, 3, padding=1)
        self.out = nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Any:
        y = functional.relu(self.features(x))
        y = y + functional.relu(self.body(y))
        return self.out(functional.interpolate(y, scale_factor=2, mode="nearest"))


class Vgg(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 12, 3, padding=1)])
        self.hidden, self.head = nn.Linear(12, 16), nn.Linear(16, 5)

    def forward(self, x: Tensor) -> Any:
        for conv in self.convs:
            x = functional.max_pool2d(functional.relu(conv(x)), 2)
        x = functional.adaptive_avg_pool2d(x, 1).flatten(1)
        return self.head(functional.relu(self.hidden(x)))


class MultiInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.join, self.head = nn.Linear(14, 12), nn.Linear(12, 4)

    def forward(self, image: Tensor, extra: Tensor) -> Any:
        seen = functional.adaptive_avg_pool2d(functional.relu(self.conv(image)), 1).flatten(1)
        both = torch.cat([seen, torch.sigmoid(extra)], 1)
        return self.head(functional.relu(self.join(both)))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "residual_cnn": ResidualCnn,
    "mobile_blocks": MobileBlocks,
    "u_net": UNet,
    "detector": Detector,
    "post_norm_encoder": lambda: Encoder(pre_norm=False),
    "pre_norm_encoder": lambda: Encoder(pre_norm=True),
    "lstm_tagger": Tagger,
    "super_resolution": SuperResolution,
    "vgg": Vgg,
    "multi_input": MultiInput,
}


def build(name: str) -> nn.Module:
    """A model with random weights, statistics of norms away from 0 and 1."""
    torch.manual_seed(0)
    model = MODELS[name]().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.3)  # type: ignore[arg-type]
            nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
    return model

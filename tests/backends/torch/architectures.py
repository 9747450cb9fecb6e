"""The networks that rules have to be right on, as users write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class Classifier(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8, 16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 10))

    def forward(self, x: Tensor) -> Any:
        return self.head(self.pool(self.features(x)))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.b(torch.relu(self.a(x))))


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.blocks = nn.Sequential(Block(), Block())

    def forward(self, x: Tensor) -> Any:
        return self.blocks(self.stem(x))


class Detector(nn.Module):
    """Two scales, two heads; scores and boxes of both, in one list each."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1, stride=2)
        self.b = nn.Conv2d(8, 8, 3, padding=1, stride=2)
        self.head_a, self.head_b = nn.Conv2d(8, 12, 1), nn.Conv2d(8, 12, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        fine = torch.relu(self.a(x))
        coarse = torch.relu(self.b(fine))
        found = [
            head(value).permute(0, 2, 3, 1).reshape(value.shape[0], -1, 6)
            for head, value in ((self.head_a, fine), (self.head_b, coarse))
        ]
        anchors = torch.cat(found, 1)
        return torch.sigmoid(anchors[..., 4:]), anchors[..., :4]


class UNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.mid = nn.Conv2d(16, 16, 3, padding=1)
        self.up = nn.ConvTranspose2d(16, 8, 2, stride=2)
        self.fuse, self.out = nn.Conv2d(16, 8, 3, padding=1), nn.Conv2d(8, 2, 1)

    def forward(self, x: Tensor) -> Any:
        wide = torch.relu(self.down1(x))
        deep = torch.relu(self.mid(torch.relu(self.down2(functional.max_pool2d(wide, 2)))))
        return self.out(torch.relu(self.fuse(torch.cat([wide, self.up(deep)], 1))))


class Encoder(nn.Module):
    """PyTorch's own transformer layers: norms behind the residual sums, or before what is added and at the end."""

    def __init__(self, *, norm_first: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, norm_first=norm_first) for _ in range(2)
        )
        self.norm = nn.LayerNorm(16) if norm_first else nn.Identity()

    def forward(self, x: Tensor) -> Any:
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


class DecoderBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.q, self.k, self.v, self.o = (nn.Linear(16, 16) for _ in range(4))
        self.up, self.down = nn.Linear(16, 32), nn.Linear(32, 16)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        h = self.norm(x)
        keys, values = torch.cat([keys, self.k(h)], 1), torch.cat([values, self.v(h)], 1)
        x = x + self.o(functional.scaled_dot_product_attention(self.q(h), keys, values))
        return x + self.down(functional.gelu(self.up(x))), (keys, values)


class Decoder(nn.Module):
    """Returns its caches: nearly every block ends in an output."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.blocks = nn.ModuleList(DecoderBlock() for _ in range(2))
        self.lm_head = nn.Linear(16, 20, bias=False)

    def forward(self, ids: Tensor, past: list[tuple[Tensor, Tensor]]) -> dict[str, Any]:
        x, caches = self.embed(ids), []
        for block, (keys, values) in zip(self.blocks, past, strict=True):
            x, cache = block(x, keys, values)
            caches.append(cache)
        return {"logits": self.lm_head(x), "past": caches}


class Intermediate(nn.Module):
    """Two outputs, one of which is on the way to the other."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = torch.relu(self.b(torch.relu(self.a(x))))
        return self.c(hidden), hidden


class SuperResolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 3, 3, padding=1)

    def forward(self, x: Tensor) -> Any:
        return x + self.b(torch.relu(self.a(x)))


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.shared, self.out = nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Any:
        return self.out(torch.relu(self.shared(torch.relu(self.shared(x)))))


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.mid = nn.Embedding(20, 8), nn.Linear(8, 8)
        self.head = nn.Linear(8, 20, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, ids: Tensor) -> Any:
        return self.head(torch.relu(self.mid(self.embed(ids))))


class Recurrent(nn.Module):
    """A split whose halves meet again, an LSTM, and its last state as an output of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.lstm, self.out = nn.Linear(8, 16), nn.LSTM(8, 8, batch_first=True), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        gate, value = self.a(x).chunk(2, -1)
        states, (last, _) = self.lstm(torch.sigmoid(gate) * value)
        return self.out(states), last


Make = Callable[[], nn.Module]
IMAGES, VECTORS, SEQUENCES = (torch.zeros(2, 3, 16, 16),), (torch.zeros(2, 8),), (torch.zeros(2, 5, 16),)
IDS = torch.zeros(2, 4, dtype=torch.int64)
PAST = [(torch.zeros(2, 3, 16), torch.zeros(2, 3, 16)) for _ in range(2)]

ARCHITECTURES: Mapping[str, tuple[Make, Any]] = {
    "classifier": (Classifier, IMAGES),
    "residual": (Residual, IMAGES),
    "detector": (Detector, IMAGES),
    "u-net": (UNet, IMAGES),
    "post-norm": (lambda: Encoder(norm_first=False), SEQUENCES),
    "pre-norm": (lambda: Encoder(norm_first=True), SEQUENCES),
    "decoder": (Decoder, (IDS, PAST)),
    "intermediate": (Intermediate, VECTORS),
    "super-resolution": (SuperResolution, IMAGES),
    "twice": (Twice, VECTORS),
    "tied": (Tied, (IDS,)),
    "recurrent": (Recurrent, (torch.zeros(2, 5, 8),)),
}

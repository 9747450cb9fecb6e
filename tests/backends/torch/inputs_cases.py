"""Networks that take and return what users have, each with inputs for a batch of n."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrizations, parametrize, prune
from torch.utils.checkpoint import checkpoint

Make = Callable[[], nn.Module]
Inputs = Callable[[int], Any]


class Body(nn.Module):
    """Three dense layers, the last of which stays in floating point."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 16), nn.Linear(16, 8), nn.Linear(8, 3)

    def body(self, x: Tensor) -> Tensor:
        y: Tensor = self.c(functional.relu(self.b(functional.relu(self.a(x)))))
        return y


class Plain(Body):
    def forward(self, x: Tensor) -> Any:
        return self.body(x)


class How(Enum):
    SUM = "sum"
    MEAN = "mean"


class Pair(NamedTuple):
    left: Tensor
    right: Tensor | None


@dataclass
class Example:
    pair: Pair
    rows: list[dict[str, Tensor]]
    scale: float = 2.0
    mask: Tensor | None = None


class Nested(Body):
    """A dataclass with a named tuple, a list of dicts, a number, a None; beside it a string and an enumeration."""

    def forward(self, example: Example, how: How, word: str = "plus") -> Any:
        other = example.rows[1]["x"] if example.pair.right is None else example.pair.right
        x = example.pair.left + other if word == "plus" else example.pair.left
        y = self.body(x * example.scale)
        y = y if example.mask is None else y.masked_fill(~example.mask, 0.0)
        return Pair(y.sum(-1) if how is How.SUM else y.mean(-1), None)


class Optional(Body):
    """A mask and an addend that may be absent."""

    def forward(self, x: Tensor, mask: Tensor | None = None, *, extra: Tensor | None = None) -> Any:
        y = self.body(x)
        y = y if mask is None else y * mask
        return y if extra is None else y + extra


class Numbers(Body):
    """Tensors without axes, and Python's own numbers."""

    def forward(self, x: Tensor, factor: Tensor, steps: Tensor, shift: float, times: int, flag: bool) -> Any:
        return self.body(x * factor + shift) * steps / times if flag else x


class Integers(Body):
    """Pixels as bytes, tokens as int32, a padding mask of booleans that is counted."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.embed = nn.Conv2d(3, 8, 3), nn.Embedding(9, 8)

    def forward(self, image: Tensor, tokens: Tensor, mask: Tensor) -> Any:
        seen = functional.relu(self.conv(image / 255)).mean((2, 3))
        words = self.embed(tokens).masked_fill(~mask[..., None], 0.0).sum(1)
        return self.body(seen + words / mask.sum(1, keepdim=True).clamp(min=1))


class Collected(Body):
    """Any number of arguments, with and without names."""

    def forward(self, *parts: Tensor, **named: Tensor) -> Any:
        return self.body(sum(parts, start=torch.zeros(())) - named.get("less", torch.ones(())))


class Named(Body):
    """Arguments by name alone."""

    def forward(self, **named: Tensor) -> Any:
        return self.body(named["left"]) - self.body(named["right"])


class Results(Body):
    """Returns what it was given, one tensor three times, constants of the batch's size, and no tensors at all."""

    def forward(self, x: Tensor, ids: Tensor) -> Any:
        n, y = x.shape[0], self.body(x)
        made = (
            torch.zeros(n, 4),
            x.new_ones(n, n),
            torch.arange(n),
            torch.zeros(n, dtype=torch.bool),
            torch.eye(3),
        )
        best = y.argmax(-1)
        constant = {"n": n, "three": 3, "none": None, "name": "results"}
        return OrderedDict(
            x=x, ids=ids, y=y, again=[y, y], made=made, weight=self.c.weight, best=best, **constant
        )


class Empty(Body):
    """A cache that begins without an element."""

    def forward(self, x: Tensor, cache: Tensor) -> Any:
        whole = torch.cat([cache, x], 1)
        return self.body(whole), whole


class Image(nn.Module):
    """Convolutions with a norm, a dropout and a counter, read by a dense layer that knows the order of axes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.more = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3)
        self.drop, self.head = nn.Dropout(0.5), nn.Linear(128, 3)
        self.calls, self.average = nn.Buffer(torch.zeros((), dtype=torch.int64)), nn.Buffer(torch.zeros(3))

    def forward(self, x: Tensor) -> Any:
        self.calls.add_(1)
        y = functional.relu(self.more(functional.relu(self.norm(self.conv(x)))))
        y = self.head(self.drop(y).reshape(x.shape[0], -1))
        self.average.mul_(0.9).add_(y.mean(0), alpha=0.1)
        return y


class Tanh(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.tanh() * 0.5


def parametrized() -> nn.Module:
    """Weights that are computed: by torch's ways of old and of today, and by one's own."""
    layers = [nn.Linear(8, 8) for _ in range(6)]
    parametrizations.weight_norm(layers[0])
    nn.utils.weight_norm(layers[1])
    parametrizations.spectral_norm(layers[2])
    parametrizations.orthogonal(layers[3])
    prune.l1_unstructured(layers[4], "weight", 0.3)  # type: ignore[no-untyped-call]
    parametrize.register_parametrization(layers[5], "weight", Tanh())
    return nn.Sequential(*(nn.Sequential(layer, nn.ReLU()) for layer in layers), nn.Linear(8, 2))


class Functional(nn.Module):
    """Parameters in lists and dicts, a plain tensor, a layer used twice, weights tied as they are and transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.ParameterList([torch.randn(8, 8) * 0.3, torch.randn(3, 8) * 0.3])
        self.biases = nn.ParameterDict({"first": torch.randn(8)})
        self.shift, self.twice, self.grow = torch.randn(8), nn.Linear(8, 8), nn.Linear(8, 16)
        self.tied = nn.Linear(8, 8)
        self.tied.weight = self.twice.weight

    def forward(self, x: Tensor) -> Any:
        x = functional.relu(functional.linear(x + self.shift, self.weights[0], self.biases["first"]))
        x = functional.relu(self.tied(self.twice(self.twice(x))))
        x = functional.linear(functional.relu(self.grow(x)), self.grow.weight.t())
        return functional.linear(x, self.weights[1])


class Wrapped(Body):
    """Recomputed, in inference mode, behind a hook, partly compiled."""

    def __init__(self) -> None:
        super().__init__()
        self.b.compile(backend="eager")
        self.a.register_forward_hook(lambda _module, _inputs, result: result * 2)

    def forward(self, x: Tensor) -> Any:
        with torch.inference_mode():
            y = self.body(x)
        return y + checkpoint(self.body, x, use_reentrant=False)


def compiled() -> nn.Module:
    model: Any = torch.compile(Plain(), backend="eager")
    return model  # type: ignore[no-any-return]


def exported() -> nn.Module:
    free = ({0: torch.export.Dim.AUTO},)
    return torch.export.export(Plain().eval(), (torch.randn(2, 8),), dynamic_shapes=free).module()


def _tensors(*shapes: tuple[int, ...]) -> Inputs:
    return lambda n: tuple(torch.randn(n, *shape) for shape in shapes)


def _channels_last(n: int) -> tuple[Tensor]:
    return (torch.randn(n, 3, 8, 8).to(memory_format=torch.channels_last),)


def _integers(n: int) -> dict[str, Tensor]:
    image = torch.randint(0, 256, (n, 3, 8, 8), dtype=torch.uint8)
    tokens = torch.randint(0, 9, (n, 5), dtype=torch.int32)
    return {"image": image, "tokens": tokens, "mask": torch.rand(n, 5) > 0.4}


def _example(n: int, **more: Any) -> tuple[Any, ...]:
    rows = [{"x": torch.randn(n, 8)} for _ in range(2)]
    return Example(Pair(torch.randn(n, 8), None), rows, **more), How.SUM


CASES: Mapping[str, tuple[Make, Inputs]] = {
    "nested": (Nested, _example),
    "nested with a mask": (Nested, lambda n: _example(n, mask=torch.rand(n, 3) > 0.4)),
    "optional, absent": (Optional, _tensors((8,))),
    "optional, None": (Optional, lambda n: (torch.randn(n, 8), None)),
    "optional, given": (Optional, lambda n: (torch.randn(n, 8), torch.rand(n, 3) > 0.4)),
    "optional, by name": (Optional, lambda n: {"x": torch.randn(n, 8), "extra": torch.randn(n, 3)}),
    "numbers": (Numbers, lambda n: (torch.randn(n, 8), torch.tensor(0.7), torch.tensor(3), 0.5, 2, True)),
    "integers": (Integers, _integers),
    "collected": (Collected, _tensors((8,), (8,))),
    "named": (Named, lambda n: {"left": torch.randn(n, 8), "right": torch.randn(n, 8)}),
    "results": (Results, lambda n: (torch.randn(n, 8), torch.arange(n))),
    "empty": (Empty, _tensors((4, 8), (0, 8))),
    "channels last": (lambda: Image().to(memory_format=torch.channels_last), _channels_last),  # type: ignore[call-overload]
    "parametrized": (parametrized, _tensors((8,))),
    "functional": (Functional, _tensors((8,))),
    "wrapped": (Wrapped, _tensors((8,))),
    "data parallel": (lambda: nn.DataParallel(Plain()), _tensors((8,))),
    "compiled": (compiled, _tensors((8,))),
    "symbolically traced": (lambda: torch.fx.symbolic_trace(Plain()), _tensors((8,))),
    "exported": (exported, _tensors((8,))),
}

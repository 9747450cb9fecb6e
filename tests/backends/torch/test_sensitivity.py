"""QS of a deep network: one pass for all layers, and each layer by itself as plain PyTorch computes it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import clika_core as clika
from clika_core.numerics import QuantParams
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT

BLOCKS, WIDTH = 24, 8
Weighted = nn.Conv2d | nn.Linear


class Deep(nn.Module):
    """50 weighted layers: a stem, 24 residual blocks of two convolutions, a head."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, WIDTH, 3, 2, 1)
        self.first = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(BLOCKS))
        self.second = nn.ModuleList(nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(BLOCKS))
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x: Tensor) -> Any:
        x = functional.relu(self.stem(x))
        for first, second in zip(self.first, self.second, strict=True):
            x = functional.relu(x + second(functional.relu(first(x))))
        return self.head(x.mean((2, 3)))


@cache
def model() -> Deep:
    torch.manual_seed(0)
    return Deep().eval()


def images() -> list[Tensor]:
    return list(torch.randn(2, 4, 3, 24, 24, generator=torch.Generator().manual_seed(1)))


@cache
def quantized() -> Quantized:
    traced = clika.trace(model(), (images()[0],))
    settings = Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    return quantize_traced(traced, settings, ORT, Batches([(x,) for x in images()]), lambda _: None)


def rounded(x: Tensor, params: QuantParams, axis: int | None = None) -> Tensor:
    """Fake quantization from the formula, in float64."""
    shape = [-1 if axis == position else 1 for position in range(x.dim())]
    scale, zero = (
        torch.tensor(values).double().reshape(shape if axis is not None else ())
        for values in (params.scale, params.zero_point)
    )
    codes = torch.clamp(
        torch.round(x.double() / scale) + zero, params.format.quant_min, params.format.quant_max
    )
    return (codes - zero) * scale


def one_at_a_time(name: str, layer: Weighted, inputs: Tensor, *, is_clamped: bool) -> tuple[Tensor, Tensor]:
    """The float output of one layer, and that of the same layer quantized alone, on the same float inputs."""
    found = quantized()
    spec = found.simulation.specs[name]
    (given,), (wanted,), weight = spec.inputs, spec.outputs, spec.weights["weight"]
    assert given is not None
    assert layer.bias is not None
    step = torch.tensor(given.scale * weight.scale).double()
    alone = (
        rounded(inputs, given),
        rounded(layer.weight, weight, 0),
        torch.round(layer.bias.double() / step) * step,
    )
    exact: Tensor = layer(inputs)
    if isinstance(layer, nn.Conv2d):
        result = functional.conv2d(*alone, stride=layer.stride, padding=layer.padding)
    else:
        result = functional.linear(*alone)
    if is_clamped:
        exact, result = functional.relu(exact), functional.relu(result)
    return exact, result if wanted is None else rounded(result, wanted)  # some sums leave as reals


def layers(x: Tensor) -> Iterator[tuple[str, Weighted, Tensor, bool]]:
    """Every weighted layer by its name in the graph, with its float inputs, and whether a relu is fused behind."""
    net = model()
    yield "conv_1", net.stem, x, True
    x = functional.relu(net.stem(x))
    for block, (first, second) in enumerate(zip(net.first, net.second, strict=True)):
        assert isinstance(first, nn.Conv2d)
        assert isinstance(second, nn.Conv2d)
        inner = functional.relu(first(x))
        yield f"conv_{2 * block + 2}", first, x, True
        yield f"conv_{2 * block + 3}", second, inner, False
        x = functional.relu(x + second(inner))
    yield "linear_1", net.head, x.mean((2, 3)), False


@torch.no_grad()
def test_all_fifty_layers_equal_one_layer_at_a_time() -> None:
    errors: dict[str, float] = {}
    squares: dict[str, float] = {}
    for x in images():
        for name, layer, inputs, is_clamped in layers(x):
            exact, found = one_at_a_time(name, layer, inputs, is_clamped=is_clamped)
            errors[name] = errors.get(name, 0.0) + float((found - exact.double()).square().sum())
            squares[name] = squares.get(name, 0.0) + float(exact.double().square().sum())
    assert len(errors) == 2 * BLOCKS + 2 == 50
    for name, error in errors.items():
        expected = (error / squares[name]) ** 0.5
        assert quantized().measurements[name].qs == pytest.approx(expected, rel=1e-3), name


@torch.no_grad()
def test_parts_of_a_large_result_add_up_to_the_whole() -> None:
    """Results of many samples are compared a part at a time: the last parts are smaller, none is left out."""
    found = quantized()
    arrays = found.model.arrays
    sums = torch.randn(7, 8, 150, 150)
    parts = list(arrays.parts((sums, sums * 2)))
    assert len(parts) > 2
    assert torch.equal(torch.cat([part for part, _ in parts]), sums)
    assert torch.equal(torch.cat([part for _, part in parts]), sums * 2)
    params = next(p for spec in found.simulation.specs.values() for p in spec.outputs if p is not None)
    codes = arrays.quantize(sums, params)
    error, square = arrays.squared_errors(codes, params, sums)
    exact = rounded(sums, params)
    assert error == pytest.approx(float((exact - sums.double()).square().sum()), rel=1e-5)
    assert square == pytest.approx(float(sums.double().square().sum()), rel=1e-12)
    zero, (low, high) = int(params.zero_point), (params.format.quant_min, params.format.quant_max)
    whole = torch.clamp(torch.round(sums / torch.tensor(params.scale)) + zero, low, high) - zero
    assert torch.equal(codes, whole)

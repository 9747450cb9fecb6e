"""Writing in place is told from computing: plainly where only the value itself is read on, by torch else."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from clika_torch.tracing import trace


class ResultIgnored(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        functional.relu_(y)
        y.add_(1)
        return y


class ReadThroughAView(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        rows = y.view(-1)
        y.relu_()
        return rows.sum() + y


class WrittenThroughASlice(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x + 0.5
        y[:, 1:] *= 3
        y[:, 0] = -1
        return y


class WritesItsInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mul_(2) + 1


class ReadBefore(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        before = y + 0
        y.neg_()
        return before * y


class Indexed(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        y[y > 0] = 0.25
        return y


class WrittenThroughViewsOfViews(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        column = y.t()[1]
        grid = y.unsqueeze(0).permute(0, 2, 1)
        grid[:, 2:].mul_(3)
        column.add_(5)
        y.view(-1)[:2].zero_()
        return y + grid[0].t() + column.sum()


class Overwritten(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        mask = x.new_zeros(4)
        for position, (start, stop) in enumerate(((0, 1), (1, 3), (3, 4))):
            mask[start:stop] = position
        y = torch.empty_like(x)
        y[:] = x * 2
        y[0].copy_(mask)
        return y * mask


class WrittenThroughAPart(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * 2
        first, _ = y.chunk(2, dim=1)
        first.neg_()
        return y


class DropsOutInPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return functional.dropout(x * 2, 0.5, self.training, inplace=True) + 1


MODELS = [
    DropsOutInPlace,
    WrittenThroughViewsOfViews,
    Overwritten,
    WrittenThroughAPart,
    ResultIgnored,
    ReadThroughAView,
    WrittenThroughASlice,
    WritesItsInput,
    ReadBefore,
    Indexed,
]


@pytest.mark.parametrize("make", MODELS)
def test_what_is_written_is_what_is_read_afterwards(make: type[nn.Module]) -> None:
    traced = trace(make(), torch.randn(2, 4))
    x = torch.randn(3, 4)
    expected = make().eval()(x.clone())
    before = x.clone()
    torch.testing.assert_close(traced.run(x), expected)
    assert torch.equal(x, before)


@pytest.mark.parametrize("make", [DropsOutInPlace, ResultIgnored, WrittenThroughASlice])
def test_writes_that_have_a_plain_twin_are_not_traced_a_second_time(
    make: type[nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("clika_torch.tracing.decompose")
    trace(make(), torch.randn(2, 4))


def test_plain_writes_keep_the_layers_as_they_were_written() -> None:
    assert [node.type for node in trace(ResultIgnored(), torch.randn(2, 4)).graph.layers] == [
        "mul",
        "relu",
        "add",
    ]


def test_a_mask_that_is_written_piece_by_piece_is_a_weight() -> None:
    graph = trace(Overwritten(), torch.randn(2, 4)).graph
    assert [weight.shape for weight in graph.layers[-1].weights] == [(4,)]


class Cached(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        keys = torch.cat([torch.tensor([]), x], dim=-1)
        return torch.cat([x, torch.tensor([]), keys.relu()], dim=1)


def test_an_empty_cache_is_passed_over_as_torch_does() -> None:
    traced = trace(Cached(), torch.randn(2, 4))
    assert [(layer.type, len(layer.inputs)) for layer in traced.graph.layers] == [("relu", 1), ("concat", 2)]
    x = torch.randn(3, 4)
    torch.testing.assert_close(traced.run(x), Cached()(x))


class Autocast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            y: Tensor = self.linear(x)
        return y.float()


def test_a_part_in_lower_precision_stays_what_it_is() -> None:
    model = Autocast().eval()
    traced = trace(model, torch.randn(2, 4))
    x = torch.randn(3, 4)
    assert torch.equal(traced.run(x), model(x).detach())

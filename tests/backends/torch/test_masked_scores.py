"""Attention written by hand, with scores replaced under a mask: one layer where it is attention, float elsewhere."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import clika_core as clika

TOKENS, WIDTH, HEADS = 6, 16, 2


class Decoder(nn.Module):
    """A block as textbooks write it; `is_bounded` scores are no attention that anybody knows."""

    def __init__(self, number: float, *, is_bounded: bool = False) -> None:
        super().__init__()
        self.words = nn.Embedding(20, WIDTH)
        self.projections, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.dropout, self.head = nn.Dropout(0.1), nn.Linear(WIDTH, 20)
        self.number, self.is_bounded = number, is_bounded
        self.register_buffer("earlier", torch.tril(torch.ones(TOKENS, TOKENS)).view(1, 1, TOKENS, TOKENS))

    def forward(self, ids: Tensor) -> Tensor:
        batch, length = ids.shape
        x = self.words(ids)
        parts = self.projections(x).split(WIDTH, dim=2)
        query, key, value = (part.view(batch, length, HEADS, -1).transpose(1, 2) for part in parts)
        scores = (query @ key.transpose(-2, -1)) * (1 / sqrt(key.size(-1)))
        if self.is_bounded:
            scores = torch.tanh(scores)
        earlier = self.get_buffer("earlier")[:, :, :length, :length]
        scores = scores.masked_fill(earlier == 0, self.number)
        found = self.dropout(torch.softmax(scores, dim=-1)) @ value
        y: Tensor = self.head(self.out(found.transpose(1, 2).reshape(batch, length, WIDTH)) + x)
        return y


def ids(seed: int) -> Tensor:
    return torch.randint(20, (8, TOKENS), generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("number", [float("-inf"), -1e9, torch.finfo(torch.float32).min], ids=str)
def test_masked_attention_is_one_layer_and_is_deployed(number: float, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Decoder(number).eval()
    traced = clika.trace(model, ids(0))
    assert traced.graph["attention_1"].attributes["masked_value"] == number
    with torch.no_grad():
        torch.testing.assert_close(traced.run(ids(1)), model(ids(1)))
    result = clika.compress(
        model, calibration_data=[ids(seed) for seed in range(4)], output_dir=tmp_path / "out"
    )
    assert result.plan["attention_1"].precision == "quantized"
    assert result.report["agreement"]["end_to_end"]["relative_l2_simulated_deployed"] < 1e-5
    assert result.report["agreement"]["end_to_end"]["relative_l2_deployed_float"] < 0.1


@pytest.mark.parametrize("threshold", [None, 0.05])
@pytest.mark.parametrize("number", [float("-inf"), -1e9], ids=str)
def test_masked_scores_that_are_no_attention_stay_float(
    number: float, threshold: float | None, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    settings = clika.Settings()
    settings.global_quantization_settings.quantization_sensitivity_threshold = threshold
    result = clika.compress(
        Decoder(number, is_bounded=True).eval(),
        settings=settings,
        calibration_data=[ids(seed) for seed in range(4)],
        output_dir=tmp_path / "out",
    )
    assert result.plan["softmax_1"].precision == "float"
    assert np.isfinite(result.report["agreement"]["end_to_end"]["relative_l2_deployed_float"])
    assert result.report["agreement"]["end_to_end"]["relative_l2_deployed_float"] < 0.1

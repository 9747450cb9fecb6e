"""What a run says beside its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clika_core as clika
from clika_core.pipeline.notes import score_notes
from tests.core.loopback.networks import Sketch

DATA = np.random.default_rng(0).standard_normal((32, 6)).astype(np.float32)


def notes(**more: Any) -> list[str]:
    s = Sketch(1)
    model = s.output(s.linear(s.op("relu", s.linear(s.input("x", 6), 6, 8)), 8, 4))
    found = clika.compress(model, calibration_data=DATA, output_dir=None, **more)
    said: list[str] = found.report["notes"]
    return said


def test_a_score_that_is_no_number_is_told() -> None:
    assert score_notes({"float": float("nan"), "quantized": 0.5, "deployed": None}, "f1") == [
        "the metric f1 is nan for the float model: no accuracy follows from it"
    ]
    assert score_notes({"float": 0.9, "quantized": float("-inf")}, None) == [
        "evaluation= is -inf for the quantized model: no accuracy follows from it"
    ]


@pytest.mark.parametrize(
    "given",
    [
        {"evaluation": lambda _: float("nan")},
        {"evaluation_data": [(DATA, DATA[:, :4])], "metric": lambda *_: float("nan")},
    ],
    ids=["evaluation", "metric"],
)
def test_compress_tells_scores_that_are_no_numbers(given: dict[str, Any]) -> None:
    assert any("nan for the float model" in note for note in notes(**given))
    assert not any("nan" in note for note in notes())

"""Techniques that rework layers share a pass: each sees what the ones before it made of the layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from clika_core.quality.adaptive_rounding import AdaptiveRounding
from clika_core.quality.bias_correction import BiasCorrection
from clika_core.quality.reworking import Rework, reworked
from clika_core.quality.running_layer import RunningLayer
from clika_core.quality.techniques import improved
from clika_core.quality.work import Change
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with
from tests.core.quality.encoders import work_of


class Adding(Rework):
    """Adds a number to every bias and keeps what it found there."""

    def __init__(self, layers: Sequence[str], number: float) -> None:
        self.layers, self._number = layers, np.float32(number)
        self.found: dict[str, Any] = {}

    def change(self, layer: RunningLayer) -> Change:
        self.found[layer.name] = layer.operands["bias"]
        return Change({"bias": layer.operands["bias"] + self._number})

    def summary(self, layers: Sequence[str]) -> str:
        return f"{self._number} to {len(layers)}"


def dense() -> LoopbackModel:
    s = Sketch()
    return s.output(s.linear(s.op("relu", s.linear(s.input("x", 8), 8, 16)), 16, 3))


def test_each_sees_what_those_before_it_made_of_a_layer() -> None:
    data = batches(dense(), size=16)
    work = work_of(quantized(dense(), data), data)
    before = dict(work.model.parameters("linear_1"))["bias"]
    first, second = Adding(["linear_1", "linear_2"], 1), Adding(["linear_1"], 2)
    after, said = reworked(work, [first, second])
    np.testing.assert_array_equal(first.found["linear_1"], before)
    np.testing.assert_array_equal(second.found["linear_1"], before + 1)
    np.testing.assert_array_equal(after.model.parameters("linear_1")["bias"], before + 1 + 2)
    assert [each.layers for each in said] == [("linear_1", "linear_2"), ("linear_1",)]
    assert [each.summary for each in said] == ["1.0 to 2", "2.0 to 1"]


def test_the_model_stays_until_the_pass_is_over() -> None:
    data = batches(dense(), size=16)
    work = work_of(quantized(dense(), data), data)

    class Looking(Adding):
        def change(self, layer: RunningLayer) -> Change:
            held.append(
                {name: layer.work.model.parameters(name)["bias"] for name in ("linear_1", "linear_2")}
            )
            return super().change(layer)

    held: list[dict[str, Any]] = []
    reworked(work, [Looking(["linear_1", "linear_2"], 1)])
    np.testing.assert_array_equal(held[0]["linear_1"], held[1]["linear_1"])


def test_neighbouring_techniques_of_layers_run_the_model_once() -> None:
    data = batches(dense(), size=16)
    work = work_of(quantized(dense(), data), data)
    runs = list[int]()
    interpret = work.model.interpret

    def counted(*given: Any) -> Any:
        runs.append(1)
        return interpret(*given)

    work.model.interpret = counted  # type: ignore[assignment, method-assign]
    chosen = settings_with(adaptive_rounding=True, activation_balancing=False).global_quantization_settings
    _, done = improved(work, chosen, lambda _: None)
    assert list(done) == ["adaptive_rounding", "scale_correction", "bias_correction"]
    assert len(runs) == 1


def test_biases_make_up_for_what_rounding_did_in_the_same_pass() -> None:
    data = batches(dense(), size=64)
    work = work_of(quantized(dense(), data), data)
    after, _ = reworked(work, [AdaptiveRounding(work), BiasCorrection(work)])
    again, _ = reworked(after, [BiasCorrection(after)])
    for layer in ("linear_1", "linear_2"):
        first, second = (each.model.parameters(layer)["bias"] for each in (after, again))
        np.testing.assert_allclose(second, first, atol=0.02 * np.abs(first).max())

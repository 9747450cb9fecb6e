"""A running layer knows what it computes after each change, and sums its products once for one weight in codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.backend.interface import LayerCall
from clika_core.numerics import fake_quantize
from clika_core.pipeline.quantization import Quantized
from clika_core.quality.reworking import Rework, reworked
from clika_core.quality.running_layer import RunningLayer, summing_heads
from clika_core.quality.work import Change
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with, simulated_values
from tests.core.quality.encoders import work_of

CHANGES: dict[str, Callable[[RunningLayer], Change]] = {
    "nothing": lambda _: Change(),
    "bias": lambda layer: Change({"bias": layer.operands["bias"] + np.float32(0.1)}),
    "scale": lambda layer: scaled(layer, 1.25),
    "weight": lambda layer: Change({"weight": layer.operands["weight"] * np.float32(0.5)}),
}


def scaled(layer: RunningLayer, factor: float) -> Change:
    """The same codes with another scale."""
    params, weight = layer.spec.weights["weight"], layer.operands["weight"]
    corrected = replace(params, scale=params.scale * np.float32(factor))
    return Change({"weight": weight * np.float32(factor)}, {"weight": corrected})


class Seen(Rework):
    """Makes one change and keeps the layer before and after it."""

    def __init__(self, layer: str, change: Callable[[RunningLayer], Change]) -> None:
        self.layers, self._change = {layer}, change
        self.before: Any = None
        self.after: Any = None

    def change(self, layer: RunningLayer) -> Change:
        made = self._change(layer)
        self.before, self.after = layer, layer.changed(made)
        return made

    def summary(self, layers: Sequence[str]) -> str:
        return f"{len(layers)}"


def convolutional() -> tuple[Quantized, list[Batch]]:
    s = Sketch(3)
    x = s.op("relu", s.conv(s.input("x", 4, 6, 6), 4, 6))
    model: LoopbackModel = s.output(s.conv(s.op("relu", s.conv(x, 6, 6, groups=2)), 6, 4))
    data = batches(model, size=16, seed=3)
    return quantized(model, data, settings=settings_with()), data


@pytest.mark.parametrize("change", CHANGES)
def test_its_output_is_what_the_layer_computes_with_rounded_operands(change: str) -> None:
    found, data = convolutional()
    seen = Seen("conv_1", CHANGES[change])
    reworked(work_of(found, data), [seen])
    layer: RunningLayer = seen.after
    weight = fake_quantize(layer.operands["weight"], layer.spec.weights["weight"])
    x = fake_quantize(layer.work.inputs[0], found.parameters.activations["x", 0])

    def run(call: LayerCall) -> Sequence[NDArray[Any]]:
        own = {"weight": weight, "bias": layer.operands["bias"]}
        outputs = call.run(None, own) if call.node.name == "conv_1" else call.run()
        if call.node.name == "conv_1":
            wanted.append(outputs[0])
        return outputs

    wanted: list[NDArray[Any]] = []
    found.model.interpret([x], run)
    np.testing.assert_allclose(layer.output.mean, wanted[0].mean(axis=(0, 2, 3)), atol=1e-5)


@pytest.mark.parametrize("change", CHANGES)
def test_what_it_runs_is_what_the_changed_model_simulates(change: str) -> None:
    found, data = convolutional()
    seen = Seen("conv_2", CHANGES[change])
    work, (said,) = reworked(work_of(found, data), [seen])
    assert said.layers == (() if change == "nothing" else ("conv_2",))
    after = replace(found, model=work.model, parameters=work.parameters, simulation=work.simulation)
    codes = simulated_values(after, work.inputs)["relu_2", 0]
    np.testing.assert_array_equal(seen.after.run()[0], codes)


@pytest.mark.parametrize(
    ("change", "is_summed_anew"), [("nothing", False), ("bias", False), ("scale", False), ("weight", True)]
)
def test_products_are_summed_anew_where_codes_of_the_weight_change_alone(
    change: str, is_summed_anew: bool
) -> None:
    found, data = convolutional()
    seen = Seen("conv_1", CHANGES[change])
    reworked(work_of(found, data), [seen])
    assert (seen.after.products is not seen.before.products) == is_summed_anew


def test_a_scale_is_raised_where_a_new_bias_would_not_fit() -> None:
    found, data = convolutional()
    seen = Seen("conv_1", lambda _: Change({"bias": np.full(6, 1e7, np.float32)}))
    work, _ = reworked(work_of(found, data), [seen])
    scale = work.parameters.weights["conv_1", "weight"].scale
    assert np.all(scale > found.parameters.weights["conv_1", "weight"].scale)
    assert seen.after.spec.weights["weight"] == work.parameters.weights["conv_1", "weight"]


def test_layers_of_sums_with_a_weight_are_the_ones_that_can_be_changed() -> None:
    found, _ = convolutional()
    assert set(summing_heads(found.simulation)) == {"conv_1", "conv_2", "conv_3"}

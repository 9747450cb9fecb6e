"""Agreement is measured layer by layer: what one layer gets wrong is not blamed on the next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clika_core.deployment.agreement import CodeAgreement, layer_agreement
from clika_core.deployment.onnx_model import quantized_onnx
from clika_core.pipeline.quantization import Quantized
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with


def chain() -> tuple[Quantized, list[Batch]]:
    """Three convolutions in a row."""
    s = Sketch(2)
    h = s.input("x", 4, 6, 6)
    for _ in range(3):
        h = s.op("relu", s.conv(h, 4, 4))
    model: LoopbackModel = s.output(h)
    return quantized(model, batches(model)), batches(model)


def test_every_value_that_is_carried_as_codes_is_compared() -> None:
    found, data = chain()
    file = quantized_onnx(found.model, found.plan, found.simulation)
    agreement = layer_agreement(found.model, found.simulation, file, data)
    assert set(agreement) == {"x", "relu_1", "relu_2", "relu_3"}
    assert {name: same.compared for name, same in agreement.items()} == dict.fromkeys(
        agreement, 3 * 8 * 4 * 36
    )
    assert all(same.share_equal == 1 for same in agreement.values())


def test_a_layer_that_is_simulated_wrongly_is_the_only_one_that_disagrees() -> None:
    found, data = chain()
    file = quantized_onnx(found.model, found.plan, found.simulation)
    spec = found.simulation.specs["conv_2"]
    assert spec.multiplier is not None
    wrong = replace(spec, multiplier=spec.multiplier * np.float32(1.05))
    mutant = replace(found.simulation, specs={**found.simulation.specs, "conv_2": wrong})
    agreement = layer_agreement(found.model, mutant, file, data)
    assert [name for name, same in agreement.items() if same.different] == ["relu_2"]
    assert agreement["relu_2"].largest_difference > 1


def test_a_border_that_is_simulated_wrongly_is_the_only_one_that_disagrees() -> None:
    found, data = chain()
    file = quantized_onnx(found.model, found.plan, found.simulation)
    params = found.simulation.quantize_at["x", 0]
    wrong = {("x", 0): replace(params, scale=params.scale * np.float32(1.05))}
    mutant = replace(found.simulation, quantize_at=wrong)
    agreement = layer_agreement(found.model, mutant, file, data)
    assert [name for name, same in agreement.items() if same.different] == ["x"]


def test_a_model_without_integer_layers_has_nothing_to_compare() -> None:
    s = Sketch()
    model = s.output(s.op("tanh", s.input("x", 8)))
    found = quantized(model, batches(model))
    file = quantized_onnx(found.model, found.plan, found.simulation)
    assert layer_agreement(found.model, found.simulation, file, batches(model)) == {}


def test_values_of_all_ports_count_under_their_producer() -> None:
    s = Sketch()
    h = s.op("split", s.linear(s.input("x", 8), 8, 6), axis=1, sizes=(2, 4))
    model = s.output(s.op("leaky_relu", h))
    found = quantized(model, batches(model), settings=settings_with())
    file = quantized_onnx(found.model, found.plan, found.simulation)
    agreement = layer_agreement(found.model, found.simulation, file, batches(model))
    assert agreement["split_1"].compared == 3 * 8 * 6


@pytest.mark.parametrize(
    ("found", "share"),
    [(CodeAgreement(), 1.0), (CodeAgreement(8, 2, 1), 0.75), (CodeAgreement(3, 3, 9), 0.0)],
)
def test_the_share_of_equal_codes(found: CodeAgreement, share: float) -> None:
    assert found.share_equal == share


def test_comparisons_merge() -> None:
    one, other = CodeAgreement(10, 2, 1), CodeAgreement(5, 1, 3)
    assert one.merge(other) == other.merge(one) == CodeAgreement(15, 3, 3)

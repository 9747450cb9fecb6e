"""Architectures of Keras trace, plan, quantize and deploy, to onnxruntime and to LiteRT; three of them every day."""

from __future__ import annotations

import keras
import pytest

from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.settings.model import Settings
from clika_core.targets.tflite import TFLITE
from tests.backends.tensorflow.zoo.applications import ENTRIES
from tests.backends.tensorflow.zoo.catalogue import ZOO
from tests.backends.zoo.checking import ZooTests, parameters
from tests.backends.zoo.entry import Entry


def test_every_family_of_keras_applications_is_in_it() -> None:
    """A family is a module that brings architectures."""
    tried = {getattr(keras.applications, entry.name).__module__ for entry in ENTRIES}
    there = {
        item.__module__
        for name, item in vars(keras.applications).items()
        if name[0].isupper() and callable(item)
    }
    assert tried == there


class TestTensorFlowZoo(ZooTests):
    zoo = ZOO


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("entry", [*parameters(ZOO, everyday=True), *parameters(ZOO, everyday=False)])
def test_every_model_is_computed_by_litert_as_the_simulation_says(entry: Entry) -> None:
    traced = ZOO.harness.backend.trace(ZOO.model(entry), entry.inputs(2))
    quantized = quantize_traced(
        traced, Settings(), TFLITE, Batches([entry.inputs(4), entry.inputs(3)]), lambda _: None
    )
    deployed = deployment.deploy(quantized)
    batch = [traced.arrays.to_numpy(x) for x in traced.flatten_inputs(entry.inputs(5))]
    found = deployment.run_deployed(deployed.quantized, [batch])
    assert deployment.relative_distance(found, deployment.run_simulation(quantized, [batch])) < 0.1
    for layer, codes in deployment.agreement(quantized, deployed, [batch]).items():
        assert codes.share_equal >= 0.97, layer
        assert codes.largest_difference <= 1, layer

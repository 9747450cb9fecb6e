"""The Keras network is the documented one: it reaches the logged accuracy, and has the layers of the table."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest

from clika_core.demo.data import load_images
from clika_core.demo.weights import TRAINING_LOG_FILE, load_weights, shipped_file
from clika_core.errors import DataError
from clika_tensorflow.backend import TensorFlowBackend
from clika_tensorflow.demo_network import DemoNetwork, demo_network, import_weights


@pytest.fixture(scope="module")
def network() -> DemoNetwork:
    return demo_network()


def test_the_shipped_weights_reach_the_logged_accuracy_on_the_test_images(network: DemoNetwork) -> None:
    log = json.loads(shipped_file(TRAINING_LOG_FILE).read_text(encoding="utf-8"))
    test = load_images().test
    logits = network.predict_on_batch(TensorFlowBackend().demo_inputs(test.images))
    assert np.mean(logits.argmax(axis=1) == test.labels) == pytest.approx(log["test_accuracy"], abs=0.001)


def test_its_graph_has_the_layers_of_the_table_at_the_documented_paths(network: DemoNetwork) -> None:
    graph = TensorFlowBackend().trace(network, (np.zeros((1, 28, 28, 1), np.float32),)).graph
    types = Counter(node.type for node in graph.layers)
    assert types == {
        "conv": 15,
        "batch_norm": 15,
        "relu": 8,
        "relu6": 4,
        "add": 5,
        "max_pool": 1,
        "pad": 1,
        "adaptive_avg_pool": 1,
        "linear": 1,
    }
    assert graph["conv_1"].path == "stem.conv"
    assert graph["conv_6"].path == "inverted_1.depthwise.conv"
    assert graph["conv_6"].attributes["groups"] == 128
    assert graph.inputs[0].outputs[0].shape == ("d0", 28, 28, 1)


def test_weights_of_another_network_are_refused() -> None:
    weights = load_weights()
    fresh = demo_network(weights=False)
    missing = {name: array for name, array in weights.items() if name != "head.bias"}
    misshapen = {**weights, "stem.gamma": weights["stem.gamma"][:-1]}
    for wrong in (missing, misshapen, {**weights, "stem.bias": weights["stem.beta"]}):
        with pytest.raises(DataError, match="not the weights of the demo network"):
            import_weights(fresh, wrong)

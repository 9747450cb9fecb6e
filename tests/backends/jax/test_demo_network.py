"""The demo's network in JAX is the one that the core documents, and decides as it does in any framework."""

from __future__ import annotations

import numpy as np
import pytest

import clika_core as clika
from clika_core.demo.data import load_images
from clika_core.demo.weights import load_weights, save_weights
from clika_core.errors import DataError
from clika_core.settings.model import Settings
from clika_jax.demo_network import demo_network, expected_shapes, flat
from clika_jax.traced_model import JaxTracedModel
from clika_jax.tracing import trace


@pytest.fixture(scope="module")
def traced() -> JaxTracedModel:
    return trace(demo_network(), (np.zeros((2, 1, 28, 28), np.float32),))


def test_it_holds_the_weights_that_ship() -> None:
    own = flat(demo_network().params)
    assert {name: array.shape for name, array in own.items()} == expected_shapes()
    for name, array in load_weights().items():
        np.testing.assert_array_equal(own[name], array)


def test_it_reads_digits() -> None:
    part = load_images().test
    logits = np.asarray(demo_network()(part.images[:100]))
    assert np.mean(logits.argmax(axis=1) == part.labels[:100]) >= 0.98


def test_other_weights_are_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("weights") / "other.safetensors"
    save_weights({"stem.weight": np.zeros((1, 2), np.float32)}, path)
    with pytest.raises(DataError, match="not the weights of the demo network"):
        demo_network(path)


def test_its_layers_are_those_of_the_table(traced: JaxTracedModel) -> None:
    kinds = [node.type for node in traced.graph.layers]
    counts = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    assert counts == {
        "adaptive_avg_pool": 1,
        "add": 5,
        "batch_norm": 15,
        "conv": 15,
        "linear": 1,
        "max_pool": 1,
        "relu": 8,
        "relu6": 4,
    }


def test_only_the_tail_stays_float_and_every_norm_is_folded(traced: JaxTracedModel) -> None:
    found = clika.plan(traced.graph, Settings(), target="ort")
    assert list(found.skipped) == ["linear_1"]
    assert [str(cause.kind) for cause in found["linear_1"].causes] == ["tail"]
    assert len(found.removed) == 15
    assert {found[name].into for name in found.removed} == {f"conv_{i}" for i in range(1, 16)}


def test_layers_are_where_their_parameters_are(traced: JaxTracedModel) -> None:
    assert traced.graph["conv_1"].path == "stem"
    assert traced.graph["batch_norm_10"].path == "down.shortcut"
    assert traced.graph["linear_1"].path == "head"

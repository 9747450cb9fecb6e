"""Traces of Keras models, modules and SavedModels: names, paths, and the same numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import clika_core as clika
from clika_core.errors import TraceError

X = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype(np.float32)


def functional() -> Any:
    keras.utils.set_random_seed(0)
    x = keras.Input((8, 8, 3), name="image")
    y = layers.Conv2D(4, 3, padding="same", activation="silu", name="stem")(x)
    y = layers.Dropout(0.5)(y)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(
        layers.GlobalAveragePooling2D(keepdims=True)(y)
    )
    y = layers.Flatten()(layers.AveragePooling2D(2)(y * gate))
    return keras.Model(x, layers.Dense(3, activation="softmax", name="head")(y))


def test_a_functional_model_has_its_layers_names_as_paths_and_its_input_s_name() -> None:
    model = functional()
    traced = clika.trace(model, X)
    graph = traced.graph
    assert [node.name for node in graph.inputs] == ["image"]
    found = [(node.type, node.path) for node in graph.layers if node.weights]
    assert found == [("conv", "stem"), ("conv", "gate"), ("linear", "head")]
    assert graph["silu_1"].path == "stem", "an activation belongs to the layer that applies it"
    assert {node.source for node in graph} == {None}, "a table of layers was made on no line of a program"
    np.testing.assert_allclose(traced.run(X), model(X), atol=1e-6)


def test_two_models_of_one_class_have_the_same_graph() -> None:
    first, second = clika.trace(functional(), X).graph, clika.trace(functional(), X[:1]).graph
    assert first.fingerprint == second.fingerprint
    weighted = [[node.path for node in graph if node.weights] for graph in (first, second)]
    assert weighted[0] == weighted[1] == ["stem", "gate", "head"]


def test_a_lone_input_may_be_given_by_its_name_and_keras_has_nothing_to_warn_of() -> None:
    assert (
        clika.trace(functional(), {"image": X}).graph.fingerprint
        == clika.trace(functional(), X).graph.fingerprint
    )


def test_what_keras_says_of_wrong_inputs_is_told_without_its_bold_letters() -> None:
    with pytest.raises(TraceError) as raised:
        clika.trace(functional(), {"image": X[..., :1]})
    assert "\x1b" not in str(raised.value)


@pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"
)  # Keras reads its variables so
def test_a_saved_model_is_traced_through_its_signature(tmp_path: Path) -> None:
    model = functional()
    model.export(tmp_path / "saved", verbose=False)
    loaded = tf.saved_model.load(tmp_path / "saved")
    traced = clika.trace(loaded, X)
    types = [node.type for node in traced.graph.layers]
    assert types.count("conv") == 2
    assert "linear" in types
    (found,) = traced.run(X).values()
    np.testing.assert_allclose(found, model(X), atol=1e-6)


@pytest.mark.parametrize("kind", [layers.LSTM, layers.GRU])
def test_recurrent_layers_are_one_layer_each_also_in_both_directions(kind: Any) -> None:
    keras.utils.set_random_seed(0)
    sequence = keras.Input((7, 5), name="steps")
    y = layers.Bidirectional(kind(4, return_sequences=True))(sequence)
    model = keras.Model(sequence, layers.Dense(2)(kind(3)(y)))
    x = np.random.default_rng(1).standard_normal((3, 7, 5)).astype(np.float32)
    traced = clika.trace(model, x)
    types = [node.type for node in traced.graph.layers]
    assert types.count(kind.__name__.lower()) == 3
    np.testing.assert_allclose(traced.run(x), model(x), atol=1e-5)

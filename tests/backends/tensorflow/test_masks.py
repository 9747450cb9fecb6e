"""Masks of attention, made of sizes or of data, are in the graph and in the deployed files."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import clika_core as clika
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_core.targets.tflite import TFLITE

TOKENS, WIDTH = 7, 12


class Causal(keras.Model):  # type: ignore[misc]
    """Keras makes its mask of ones in the shape of the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 6)
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        return self.head(self.attention(x, x, use_causal_mask=True))


class Padded(Causal):
    """A token of zeros is padding."""

    def call(self, x: Any) -> Any:
        mask = ops.any(ops.not_equal(x, 0), -1)
        return self.head(self.attention(x, x, attention_mask=mask[:, None, :]))


class WrittenByHand(keras.Model):  # type: ignore[misc]
    """The mask is added, and made of the length of what is attended to."""

    def __init__(self) -> None:
        super().__init__()
        self.projections = [layers.Dense(WIDTH) for _ in range(3)]
        self.head = layers.Dense(3)

    def call(self, x: Any) -> Any:
        query, key, value = (projection(x) for projection in self.projections)
        length = tf.shape(key)[1]
        never = (1 - tf.linalg.band_part(tf.ones((length, length)), -1, 0)) * -1e9
        width = tf.cast(tf.shape(key)[-1], tf.float32)
        scores = tf.matmul(query, key, transpose_b=True) / tf.sqrt(width) + never
        return self.head(tf.matmul(tf.nn.softmax(scores), value))


def batch(count: int) -> Any:
    x = np.random.default_rng(count).standard_normal((count, TOKENS, WIDTH)).astype(np.float32)
    x[0, 4:] = 0
    return x


def traced(kind: Any) -> tuple[Any, Any]:
    keras.utils.set_random_seed(0)
    model = kind()
    model(batch(2))
    return model, clika.trace(model, batch(2))


@pytest.mark.parametrize("target", [ORT, TFLITE], ids=lambda target: str(target.name))
@pytest.mark.parametrize("kind", [Causal, Padded, WrittenByHand])
def test_a_mask_is_deployed(kind: Any, target: Any) -> None:
    model, found = traced(kind)
    np.testing.assert_allclose(found.run(batch(3)), model(batch(3)), atol=1e-6)
    quantized = quantize_traced(found, Settings(), target, Batches([(batch(4),)]), lambda _: None)
    files = deployment.deploy(quantized)
    for count in (1, 5):
        given = [[batch(count)]]
        simulated = deployment.run_simulation(quantized, given)
        assert deployment.relative_distance(deployment.run_deployed(files.quantized, given), simulated) < 0.02
        ((floating,),) = deployment.run_deployed(files.floating, given)
        np.testing.assert_allclose(floating, model(given[0][0]), atol=1e-5)


@pytest.mark.parametrize("kind", [Causal, Padded, WrittenByHand])
def test_attention_with_a_mask_is_attention(kind: Any) -> None:
    _, found = traced(kind)
    types = [node.type for node in found.graph.layers]
    assert types.count("attention") == 1
    assert not {"softmax", "matmul"} & set(types)


def test_a_mask_spread_over_the_batch_is_one_operand_for_all_samples() -> None:
    _, found = traced(Causal)
    (attention,) = [node for node in found.graph.layers if node.type == "attention"]
    assert {w.role: w.shape for w in attention.weights} == {"mask": (1, 2, TOKENS, TOKENS)}
    mask = found.parameters(attention.name)["mask"]
    np.testing.assert_array_equal(mask[0, 0] == 0, np.tri(TOKENS, dtype=bool))
    assert mask.min() < -1e38


class KerasAttention(keras.Model):  # type: ignore[misc]
    """Keras' attention without heads takes a large number off the scores."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = layers.Attention()

    def call(self, x: Any) -> Any:
        return self.attention([x, x], use_causal_mask=True)


def test_what_is_taken_off_the_scores_is_a_mask() -> None:
    model, found = traced(KerasAttention)
    assert [node.type for node in found.graph.layers] == ["attention"]
    assert not found.graph.diagnostics
    np.testing.assert_allclose(found.run(batch(3)), model(batch(3)), atol=1e-6)


class AllHidden(Causal):
    """A query that may look nowhere: Keras gives the mean of all values."""

    def call(self, x: Any) -> Any:
        return self.head(self.attention(x, x, attention_mask=tf.zeros((1, TOKENS, TOKENS), tf.bool)))


def test_where_everything_is_masked_the_numbers_are_those_of_keras() -> None:
    model, found = traced(AllHidden)
    np.testing.assert_allclose(found.run(batch(3)), model(batch(3)), atol=1e-6)


def test_no_layer_is_computed_for_the_sizes_of_a_mask() -> None:
    _, found = traced(Causal)
    layers_ = {name for region in found.trace.regions.values() for name in region.operations}
    assert all(not {helper.id for helper in step.helpers} & layers_ for step in found.schedule.steps)


class Halves(tf.Module):  # type: ignore[misc]
    """A size that was the same for two samples and for three, and yet follows the batch."""

    def __call__(self, x: Any) -> Any:
        half = x[: tf.shape(x)[0] // 2]
        return tf.zeros(tf.shape(half)) + tf.reduce_sum(x, 0, keepdims=True)


def test_a_size_counts_as_fixed_only_where_it_is() -> None:
    found = clika.trace(Halves(), batch(2))
    assert found.run(batch(6)).shape == (3, TOKENS, WIDTH)

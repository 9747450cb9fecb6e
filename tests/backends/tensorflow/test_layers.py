"""Layers of Keras as one layer each, and the same numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import clika_core as clika
from clika_core.errors import TraceError
from clika_core.ir.graph import Graph

IMAGE, SEQUENCE = (8, 8, 3), (9, 5)


class SelfAttention(keras.Model):  # type: ignore[misc]
    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.attention = layers.MultiHeadAttention(2, 4, **options)

    def call(self, x: Any) -> Any:
        return self.attention(x, x)


CASES: dict[str, tuple[Callable[[], Any], tuple[int, ...], str]] = {
    "swish": (lambda: layers.Dense(4, activation="swish"), (6,), "linear silu"),
    "silu": (lambda: layers.Activation("silu"), (6,), "silu"),
    "conv_1d": (lambda: layers.Conv1D(4, 3, strides=2, activation="relu"), SEQUENCE, "conv relu"),
    "conv_1d_dilated": (lambda: layers.Conv1D(4, 3, padding="same", dilation_rate=2), SEQUENCE, "conv"),
    "conv_1d_causal": (lambda: layers.Conv1D(4, 3, padding="causal", dilation_rate=2), SEQUENCE, "pad conv"),
    "conv_2d_dilated": (lambda: layers.Conv2D(4, 3, padding="same", dilation_rate=(2, 3)), IMAGE, "conv"),
    "depthwise_dilated": (lambda: layers.DepthwiseConv2D(3, padding="same", dilation_rate=2), IMAGE, "conv"),
    "conv_3d": (lambda: layers.Conv3D(4, 2, padding="same"), (5, 6, 6, 2), "conv"),
    "conv_transpose": (
        lambda: layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        IMAGE,
        "conv_transpose",
    ),
    "separable": (lambda: layers.SeparableConv2D(4, 3, strides=2, padding="same"), IMAGE, "conv conv"),
    "separable_1d": (lambda: layers.SeparableConv1D(4, 3, strides=2, padding="same"), SEQUENCE, "conv conv"),
    "separable_1d_dilated": (lambda: layers.SeparableConv1D(4, 3, dilation_rate=2), SEQUENCE, "conv conv"),
    "depthwise_1d": (lambda: layers.DepthwiseConv1D(3, depth_multiplier=2), SEQUENCE, "conv"),
    "conv_transpose_1d": (
        lambda: layers.Conv1DTranspose(4, 3, strides=2, padding="same"),
        SEQUENCE,
        "conv_transpose",
    ),
    "prelu": (lambda: layers.PReLU("uniform", shared_axes=[1, 2]), IMAGE, "prelu"),
    "prelu_of_places": (lambda: layers.PReLU("uniform"), SEQUENCE, "prelu"),
    "grouped": (lambda: layers.Conv2D(6, 3, groups=3), IMAGE, "conv"),
    "bilinear": (lambda: layers.UpSampling2D(2, interpolation="bilinear"), IMAGE, "resize"),
    "resizing": (lambda: layers.Resizing(5, 7), IMAGE, "resize"),
    "lstm": (lambda: layers.LSTM(4, return_sequences=True), SEQUENCE, "lstm"),
    "gru": (lambda: layers.GRU(4), SEQUENCE, "gru select"),
    "recurrent_and_unrolled": (lambda: layers.SimpleRNN(4, unroll=True), (2, 3), ""),
    "max_pool_3d": (lambda: layers.MaxPooling3D(2), (4, 4, 4, 3), "max_pool"),
    "einsum_dense": (lambda: layers.EinsumDense("abc,cd->abd", (None, 7), bias_axes="d"), SEQUENCE, "linear"),
    "einsum_dense_of_rank": (
        lambda: layers.EinsumDense("...x,xy->...y", (7,), bias_axes="y"),
        SEQUENCE,
        "linear",
    ),
    "einsum_dense_to_heads": (
        lambda: layers.EinsumDense("ab,bcd->acd", (3, 7), bias_axes="cd"),
        (6,),
        "linear reshape",
    ),
    "attention": (
        SelfAttention,
        SEQUENCE,
        "linear reshape linear reshape linear reshape permute permute permute permute attention permute "
        "reshape linear",
    ),
}


def traced(model: Any, shape: tuple[int, ...]) -> Graph:
    """The graph of a model that computes the same traced, in another batch and, quantized, nearly so."""
    x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    model(x)
    found = clika.trace(model, x)
    more = np.random.default_rng(1).standard_normal((3, *shape)).astype(np.float32)
    np.testing.assert_allclose(found.run(more), model(more), atol=1e-5)
    graph: Graph = found.graph
    return graph


@pytest.mark.parametrize("name", CASES)
def test_a_layer_of_keras_is_in_the_graph_as_what_it_is(name: str) -> None:
    make, shape, types = CASES[name]
    keras.utils.set_random_seed(0)
    graph = traced(make(), shape)
    assert "unknown-operator" not in {each.code for each in graph.diagnostics}
    if types:
        assert [node.type for node in graph.layers] == types.split()


def test_what_stood_around_a_convolution_is_in_its_attributes() -> None:
    graph = traced(layers.Conv1D(4, 3, padding="same", dilation_rate=2), SEQUENCE)
    attributes = graph["conv_1"].attributes
    assert attributes["kernel_size"] == (3,)
    assert attributes["dilations"] == (2,)
    assert attributes["padding"] == ((2, 2),)
    assert attributes["channel_axis"] == 2
    assert {weight.role: weight.shape for weight in graph["conv_1"].weights} == {
        "weight": (4, 5, 3),
        "bias": (4,),
    }


def test_the_weights_of_attention_are_those_of_dense_layers() -> None:
    graph = traced(SelfAttention(), SEQUENCE)
    shapes = [tuple(w.shape for w in node.weights) for node in graph.layers if node.weights]
    assert shapes == [((8, 5), (8,))] * 3 + [((5, 8), (5,))]
    assert graph["linear_1"].path == "attention.query"


EQUATIONS = {
    "abc,cde->abde": "linear reshape",
    "abde,dec->abc": "reshape linear",
    "ab,bc->ca": "linear permute",
    "abc,c->ab": "linear reshape",
    "abc,dc->abd": "linear",
    "...c,cd->...d": "linear",
    "ab,ab->a": "tf.Einsum",
    "abc,cd->ad": "tf.Einsum",
}
OF_DATA = {
    "aecd,abcd->acbe": "permute permute permute matmul permute",
    "abcd,abce->abde": "permute permute permute matmul",
    "ab,ac->abc": "tf.Einsum",
    "abc,abc->abc": "tf.Einsum",
}
SIZES = {"a": 2, "b": 3, "c": 4, "d": 5, "e": 6}


class Einsum(tf.Module):  # type: ignore[misc]
    def __init__(self, equation: str, second: Any) -> None:
        super().__init__()
        self.equation = equation
        self.second = None if second is None else tf.Variable(second)

    def __call__(self, *operands: Any) -> Any:
        return tf.einsum(self.equation, *operands, *([] if self.second is None else [self.second]))


@pytest.mark.parametrize("equation", [*EQUATIONS, *OF_DATA])
def test_a_sum_of_products_is_a_matrix_product_where_it_can_be_one(equation: str) -> None:
    random = np.random.default_rng(0)
    given = equation.partition("->")[0].replace("...", "ab").split(",")
    first, second = (random.standard_normal([SIZES[x] for x in axes]).astype(np.float32) for axes in given)
    operands = (first, second) if equation in OF_DATA else (first,)
    model = Einsum(equation, None if equation in OF_DATA else second)
    found = clika.trace(model, operands)
    assert " ".join(node.type for node in found.graph.layers) == {**EQUATIONS, **OF_DATA}[equation]
    np.testing.assert_allclose(found.run(operands), model(*operands), atol=1e-5)


def test_a_dilated_convolution_can_be_trained() -> None:
    model = keras.Sequential([layers.Conv2D(4, 3, dilation_rate=2), layers.GlobalAveragePooling2D()])
    x = np.random.default_rng(0).standard_normal((4, *IMAGE)).astype(np.float32)
    model(x)
    native = clika.compress(model, calibration_data=x, output_dir=None).model
    with tf.GradientTape() as tape:
        loss = ops.mean(native(x) ** 2)
    gradients = tape.gradient(loss, native.trainable_variables)
    assert all(gradient is not None and np.any(np.asarray(gradient)) for gradient in gradients)


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.ConvLSTM2D])
def test_a_loop_is_named_with_what_to_do(kind: Any) -> None:
    is_image = kind is layers.ConvLSTM2D
    model = kind(3, 3) if is_image else kind(3)
    x = np.zeros((2, 4, 6, 6, 2) if is_image else (2, 4, 3), np.float32)
    model(x)
    with pytest.raises(TraceError, match="a loop or a branch") as caught:
        clika.trace(model, x)
    assert "unroll=True" in (caught.value.fix or "")

"""Every operator that can be written computes in LiteRT what TensorFlow computes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

from clika_tensorflow.backend import TensorFlowBackend
from clika_tensorflow.tflite.file_format import TfliteFormat

VECTOR, IMAGE, SEQUENCE, CUBE = (6,), (8, 8, 4), (5, 8), (6, 6, 6, 3)
Function = Callable[[Any], Any]


class Module(tf.Module):  # type: ignore[misc]
    """A function as a module."""

    def __init__(self, function: Function) -> None:
        super().__init__()
        self.function = function
        self.table = tf.Variable(np.random.default_rng(3).standard_normal((9, 4)), dtype=tf.float32)

    def __call__(self, x: Any) -> Any:
        return self.function(x)


def positive(function: Function) -> Function:
    """`function` on numbers above 0.5."""
    return lambda x: function(tf.abs(x) + 0.5)


def truth(function: Callable[[Any, Any], Any]) -> Function:
    """`function` on truth values, as numbers."""
    return lambda x: tf.cast(function(x > 0, x < 0.5), tf.float32)


def constant(*shape: int) -> Any:
    return tf.constant(np.random.default_rng(4).standard_normal(shape), tf.float32)


FUNCTIONS: dict[str, tuple[str, Function, tuple[int, ...]]] = {
    **{
        name: (name, getattr(tf, name), VECTOR)
        for name in ("abs", "cos", "exp", "floor", "round", "sign", "sin", "square", "tanh")
    },
    **{
        name: (name, positive(getattr(tf.math, name)), VECTOR)
        for name in ("ceil", "log", "log1p", "reciprocal", "rsqrt", "sqrt")
    },
    "neg": ("neg", tf.negative, VECTOR),
    "expm1": ("expm1", tf.math.expm1, VECTOR),
    "add": ("add", lambda x: x + constant(6), VECTOR),
    "sub": ("sub", lambda x: 1.5 - x, VECTOR),
    "mul": ("mul", lambda x: x * tf.reduce_sum(x, 1, keepdims=True), VECTOR),
    "div": ("div", lambda x: x / 3.0, VECTOR),
    "maximum": ("maximum", lambda x: tf.maximum(x, constant(6)), VECTOR),
    "minimum": ("minimum", lambda x: tf.minimum(x, 0.25), VECTOR),
    "pow": ("pow", positive(lambda x: x**1.5), VECTOR),
    "squared_difference": (
        "squared_difference",
        lambda x: tf.math.squared_difference(x, constant(6)),
        VECTOR,
    ),
    "floor_divide": ("floor_divide", lambda x: x // 0.3, VECTOR),
    "remainder": ("remainder", lambda x: x % 0.3, VECTOR),
    "logical_and": ("logical_and", truth(tf.logical_and), VECTOR),
    "logical_or": ("logical_or", truth(tf.logical_or), VECTOR),
    "logical_not": ("logical_not", lambda x: tf.cast(tf.logical_not(x > 0), tf.float32), VECTOR),
    "gt": ("gt", lambda x: tf.cast(x > 0.1, tf.float32), VECTOR),
    "lt": ("lt", lambda x: tf.cast(x < 0.1, tf.float32), VECTOR),
    "ge": ("ge", lambda x: tf.cast(x >= 0.1, tf.float32), VECTOR),
    "le": ("le", lambda x: tf.cast(x <= 0.1, tf.float32), VECTOR),
    "eq": ("eq", lambda x: tf.cast(tf.round(x) == 0.0, tf.float32), VECTOR),
    "ne": ("ne", lambda x: tf.cast(tf.round(x) != 0.0, tf.float32), VECTOR),
    "where": ("where", lambda x: tf.where(x > 0, x, 2.0), VECTOR),
    "cast": ("cast", lambda x: tf.cast(tf.cast(x, tf.int32), tf.float32), VECTOR),
    "clamp": ("clamp", lambda x: tf.clip_by_value(x, -0.5, 0.7), VECTOR),
    "mean": ("mean", lambda x: tf.reduce_mean(x, [1, 3]), IMAGE),
    "sum": ("sum", lambda x: tf.reduce_sum(x, [1], keepdims=True), IMAGE),
    "prod": ("prod", lambda x: tf.reduce_prod(x, [1]), VECTOR),
    "reduce_max": ("reduce_max", lambda x: tf.reduce_max(x, [1]), VECTOR),
    "reduce_min": ("reduce_min", lambda x: tf.reduce_min(x, [1]), VECTOR),
    "all": ("all", lambda x: tf.cast(tf.reduce_all(x > 0, 1), tf.float32), VECTOR),
    "any": ("any", lambda x: tf.cast(tf.reduce_any(x > 0, 1), tf.float32), VECTOR),
    "argmax": ("argmax", lambda x: tf.argmax(x, 1), VECTOR),
    "argmin": ("argmin", lambda x: tf.argmin(x, 1, tf.int32), VECTOR),
    "one_hot": ("one_hot", lambda x: tf.one_hot(tf.argmax(x, 1), 6), VECTOR),
    "relu": ("relu", tf.nn.relu, VECTOR),
    "relu6": ("relu6", lambda x: tf.nn.relu6(4 * x), VECTOR),
    "sigmoid": ("sigmoid", tf.sigmoid, VECTOR),
    "softmax": ("softmax", tf.nn.softmax, SEQUENCE),
    "log_softmax": ("log_softmax", tf.nn.log_softmax, SEQUENCE),
    "elu": ("elu", tf.nn.elu, VECTOR),
    "selu": ("selu", tf.nn.selu, VECTOR),
    "leaky_relu": ("leaky_relu", lambda x: tf.nn.leaky_relu(x, 0.1), VECTOR),
    "gelu": ("gelu", lambda x: ops.gelu(x, approximate=False), VECTOR),
    "gelu_tanh": ("gelu", lambda x: ops.gelu(x, approximate=True), VECTOR),
    "silu": ("silu", ops.silu, VECTOR),
    "hard_sigmoid": ("hard_sigmoid", lambda x: ops.hard_sigmoid(4 * x), VECTOR),
    "hard_swish": ("hard_swish", lambda x: ops.hard_swish(4 * x), VECTOR),
    "softplus": ("softplus", lambda x: tf.math.softplus(30 * x), VECTOR),
    "softsign": ("softsign", tf.nn.softsign, VECTOR),
    "matmul": ("matmul", lambda x: tf.matmul(x, x, transpose_b=True), SEQUENCE),
    "gather": ("gather", lambda x: tf.gather(x, [2, 0], axis=1), SEQUENCE),
    "flip": ("flip", lambda x: tf.reverse(x, [1, 2]), IMAGE),
    "permute": ("permute", lambda x: tf.transpose(x, [0, 3, 1, 2]), IMAGE),
    "reshape": ("reshape", lambda x: tf.reshape(x, [-1, 64, 4]), IMAGE),
    "squeeze": ("squeeze", lambda x: tf.squeeze(x[:, :, :1], 2), SEQUENCE),
    "unsqueeze": ("unsqueeze", lambda x: tf.expand_dims(x, 1), SEQUENCE),
    "slice": ("slice", lambda x: x[:, 1:4], SEQUENCE),
    "slice_with_steps": ("slice", lambda x: x[:, 1:, ::2], SEQUENCE),
    "select": ("select", lambda x: x[:, -1], SEQUENCE),
    "split": ("split", lambda x: tf.split(x, [2, 6], axis=2)[::-1], SEQUENCE),
    "unbind": ("unbind", lambda x: tf.unstack(x, axis=1), SEQUENCE),
    "stack": ("stack", lambda x: tf.stack([x, 2 * x], axis=1), SEQUENCE),
    "concat": ("concat", lambda x: tf.concat([x, 2 * x], axis=2), SEQUENCE),
    "repeat": ("repeat", lambda x: tf.tile(x, [1, 2, 3]), SEQUENCE),
    "pad": ("pad", lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0], [0, 0]]), IMAGE),
    "pad_with": ("pad", lambda x: tf.pad(x, [[0, 0], [1, 2], [0, 0], [0, 0]], constant_values=2.0), IMAGE),
    "pad_mirrored": ("pad", lambda x: tf.pad(x, [[0, 0], [1, 2], [3, 1], [0, 0]], "REFLECT"), IMAGE),
    "pad_mirrored_at_the_edge": ("pad", lambda x: tf.pad(x, [[0, 0], [1, 2]], "SYMMETRIC"), VECTOR),
    "resize": ("resize", lambda x: tf.image.resize(x, [12, 10]), IMAGE),
    "resize_nearest": ("resize_nearest", lambda x: tf.image.resize(x, [16, 24], "nearest"), IMAGE),
    "pixel_shuffle": ("pixel_shuffle", lambda x: tf.nn.depth_to_space(x, 2), IMAGE),
    "pixel_unshuffle": ("pixel_unshuffle", lambda x: tf.nn.space_to_depth(x, 2), IMAGE),
    "max_pool": ("max_pool", lambda x: tf.nn.max_pool2d(x, 3, 2, "SAME"), IMAGE),
    "max_pool_padded": (
        "max_pool",
        lambda x: tf.nn.max_pool2d(x, 3, 2, [[0, 0], [1, 1], [1, 1], [0, 0]]),
        IMAGE,
    ),
    "avg_pool": ("avg_pool", lambda x: tf.nn.avg_pool2d(x, 3, 2, "SAME"), IMAGE),
    "avg_pool_whole": ("avg_pool", lambda x: tf.nn.avg_pool2d(x, 2, 2, "VALID"), IMAGE),
}

LAYERS: dict[str, tuple[str, Callable[[], Any], tuple[int, ...]]] = {
    "linear": ("linear", lambda: layers.Dense(5), SEQUENCE),
    "conv": ("conv", lambda: layers.Conv2D(6, 3, strides=2, padding="same"), IMAGE),
    "conv_grouped": ("conv", lambda: layers.Conv2D(6, 3, groups=2), IMAGE),
    "conv_dilated": ("conv", lambda: layers.Conv2D(6, 3, dilation_rate=2, padding="same"), IMAGE),
    "conv_depthwise": ("conv", lambda: layers.DepthwiseConv2D(3, depth_multiplier=2), IMAGE),
    "conv_1d": ("conv", lambda: layers.Conv1D(6, 3, padding="causal"), SEQUENCE),
    "conv_3d": ("conv", lambda: layers.Conv3D(4, 2, padding="same", strides=2), CUBE),
    "conv_transpose": (
        "conv_transpose",
        lambda: layers.Conv2DTranspose(5, 3, strides=2, padding="same"),
        IMAGE,
    ),
    "conv_transpose_valid": ("conv_transpose", lambda: layers.Conv2DTranspose(5, 2, strides=2), IMAGE),
    "conv_transpose_1d": ("conv_transpose", lambda: layers.Conv1DTranspose(5, 3, strides=2), SEQUENCE),
    "separable_conv_1d": ("conv", lambda: layers.SeparableConv1D(6, 3, padding="same"), SEQUENCE),
    "prelu": ("prelu", lambda: layers.PReLU(shared_axes=[1, 2]), IMAGE),
    "prelu_of_places": ("prelu", lambda: layers.PReLU(), SEQUENCE),
    "batch_norm": ("batch_norm", lambda: layers.BatchNormalization(), IMAGE),
    "layer_norm": ("layer_norm", lambda: layers.LayerNormalization(), SEQUENCE),
    "rms_norm": ("rms_norm", lambda: layers.RMSNormalization(), SEQUENCE),
    "attention": ("attention", lambda: SelfAttention(), SEQUENCE),
    "adaptive_avg_pool": ("adaptive_avg_pool", lambda: pooled(), IMAGE),
    "lstm": ("lstm", lambda: layers.LSTM(4, return_sequences=True), SEQUENCE),
    "lstm_states": ("lstm", lambda: layers.LSTM(4, return_state=True), SEQUENCE),
    "gru": ("gru", lambda: layers.GRU(4, return_sequences=True), SEQUENCE),
    "both_directions": ("gru", lambda: layers.Bidirectional(layers.GRU(4)), SEQUENCE),
    "flatten": ("reshape", lambda: layers.Flatten(), IMAGE),
}


def pooled() -> Any:
    return keras.Sequential([layers.Conv2D(4, 1), layers.GlobalAveragePooling2D()])


class SelfAttention(layers.Layer):  # type: ignore[misc]
    """Attention of a sequence to itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self.attention, self.options = layers.MultiHeadAttention(2, 4), options

    def call(self, x: Any) -> Any:
        return self.attention(x, x, **self.options)


def check(model: Any, type_: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    traced = TensorFlowBackend().trace(model, x)
    assert type_ in {node.type for node in traced.graph.layers}
    run = TfliteFormat().floating(traced).runner()
    for count in (2, 3):
        given = np.random.default_rng(count).standard_normal((count, *shape)).astype(np.float32)
        expected = tf.nest.flatten(model(given))
        for found, wanted in zip(run((given,)), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_litert_computes_what_the_function_computes(name: str) -> None:
    type_, function, shape = FUNCTIONS[name]
    check(Module(function), type_, shape)


@pytest.mark.parametrize("name", LAYERS)
def test_litert_computes_what_the_layer_computes(name: str) -> None:
    type_, make, shape = LAYERS[name]
    keras.utils.set_random_seed(0)
    layer = make()
    layer(np.zeros((1, *shape), np.float32))
    for variable in layer.variables:
        if not variable.path.endswith("kernel"):
            variable.assign(np.random.default_rng(1).uniform(0.5, 1.5, variable.shape))
    check(layer, type_, shape)

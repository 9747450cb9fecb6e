"""The ways in which PyTorch, Hugging Face, Keras and JAX code spells norms and activations as primitives."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, sqrt

from clika_core.ir.recording import Recording, Ref
from clika_core.testing import RecordingBuilder

R = RecordingBuilder
Spelling = Callable[[R, Ref], Ref]
SHAPE = (2, 4, 4)  # two axes of one size: a reduction over the wrong one still broadcasts
C = 4


def silu(r: R, x: Ref) -> Ref:
    return r.op("mul", x, r.op("sigmoid", x))


def silu_gate_first(r: R, x: Ref) -> Ref:
    return r.op("mul", r.op("sigmoid", x), x)


def silu_with_beta(r: R, x: Ref) -> Ref:
    return r.op("mul", x, r.op("sigmoid", r.op("mul", x, 1.0)))


def silu_by_exp(r: R, x: Ref) -> Ref:
    return r.op("div", x, r.op("add", r.op("exp", r.op("neg", x)), 1))


def prelu_keras(r: R, x: Ref) -> Ref:
    slope = r.op("neg", r.parameter("weight", (4, C)))
    return r.op("add", r.op("relu", x), r.op("mul", slope, r.op("relu", r.op("neg", x))))


def prelu_of_both_parts(r: R, x: Ref) -> Ref:
    return r.op("add", r.op("relu", x), r.op("mul", r.parameter("weight", (1, C)), r.op("minimum", x, 0)))


def prelu_of_one_slope(r: R, x: Ref) -> Ref:
    below = r.op("neg", r.op("relu", r.op("neg", x)))
    return r.op("add", r.op("relu", x), r.op("mul", below, r.parameter("weight", ())))


def gelu_textbook(r: R, x: Ref) -> Ref:
    cdf = r.op("add", r.op("erf", r.op("div", x, sqrt(2))), 1.0)
    return r.op("mul", r.op("mul", x, 0.5), cdf)


def gelu_one_plus_first(r: R, x: Ref) -> Ref:
    cdf = r.op("mul", r.op("add", 1.0, r.op("erf", r.op("mul", x, sqrt(0.5)))), 0.5)
    return r.op("mul", x, cdf)


def gelu_half_last(r: R, x: Ref) -> Ref:
    cdf = r.op("add", r.op("erf", r.op("mul", x, 0.70711)), 1.0)
    return r.op("div", r.op("mul", cdf, x), 2)


def gelu_erfc_keras(r: R, x: Ref) -> Ref:
    tail = r.op("erfc", r.op("mul", r.op("neg", x), sqrt(0.5)))
    return r.op("mul", r.op("mul", 0.5, x), tail)


def gelu_erfc_jax(r: R, x: Ref) -> Ref:
    tail = r.op("erfc", r.op("mul", r.op("neg", x), sqrt(0.5)))
    return r.op("mul", 0.5, r.op("mul", x, tail))


def gelu_tanh_jax(r: R, x: Ref) -> Ref:
    inner = r.op("mul", r.op("add", x, r.op("mul", 0.044715, r.op("pow", x, 3))), sqrt(2 / pi))
    return r.op("mul", x, r.op("mul", 0.5, r.op("add", 1.0, r.op("tanh", inner))))


def gelu_tanh_gpt2(r: R, x: Ref) -> Ref:
    cubic = r.op("add", x, r.op("mul", r.op("pow", x, 3.0), 0.044715))
    inner = r.op("mul", cubic, 0.7978845608)
    return r.op("mul", r.op("mul", x, 0.5), r.op("add", r.op("tanh", inner), 1.0))


def gelu_tanh_fast(r: R, x: Ref) -> Ref:
    flat = r.op("add", r.op("mul", r.op("mul", x, 0.044715), x), 1.0)
    inner = r.op("mul", r.op("mul", x, 0.79788), flat)
    return r.op("mul", r.op("mul", x, 0.5), r.op("add", r.op("tanh", inner), 1.0))


def gelu_tanh_multiplied_out(r: R, x: Ref) -> Ref:
    cube = r.op("mul", r.op("mul", x, x), x)
    inner = r.op("mul", sqrt(2 / pi), r.op("add", r.op("mul", 0.044715, cube), x))
    return r.op("mul", 0.5, r.op("mul", r.op("add", r.op("tanh", inner), 1.0), x))


def relu_clamp(r: R, x: Ref) -> Ref:
    return r.op("clamp", x, min=0, max=None)


def relu_maximum(r: R, x: Ref) -> Ref:
    return r.op("maximum", x, 0.0)


def relu6_clamp(r: R, x: Ref) -> Ref:
    return r.op("clamp", x, min=0, max=6)


def relu6_minimum(r: R, x: Ref) -> Ref:
    return r.op("minimum", r.op("maximum", x, 0.0), 6.0)


def hard_sigmoid(r: R, x: Ref) -> Ref:
    return r.op("div", r.op("relu6", r.op("add", x, 3)), 6)


def hard_sigmoid_keras(r: R, x: Ref) -> Ref:
    return r.op("clamp", r.op("add", r.op("div", x, 6), 0.5), min=0, max=1)


def hard_swish(r: R, x: Ref) -> Ref:
    return r.op("mul", x, hard_sigmoid(r, x))


def hard_swish_clamp(r: R, x: Ref) -> Ref:
    gate = r.op("clamp", r.op("add", x, 3), min=0, max=6)
    return r.op("div", r.op("mul", x, gate), 6)


def hard_swish_keras(r: R, x: Ref) -> Ref:
    return r.op("mul", hard_sigmoid_keras(r, x), x)


def mean(r: R, x: Ref) -> Ref:
    return r.op("mean", x, axes=(2,), keep_dims=True)


def affine(r: R, y: Ref) -> Ref:
    return r.op("add", r.op("mul", y, r.parameter("weight", (C,))), r.parameter("bias", (C,)))


def layer_norm(r: R, x: Ref) -> Ref:
    centred = r.op("sub", x, mean(r, x))
    variance = mean(r, r.op("pow", centred, 2))
    return affine(r, r.op("mul", centred, r.op("rsqrt", r.op("add", variance, 1e-5))))


def layer_norm_by_division(r: R, x: Ref) -> Ref:
    centred = r.op("sub", x, mean(r, x))
    variance = mean(r, r.op("square", r.op("sub", x, mean(r, x))))
    return affine(r, r.op("div", centred, r.op("sqrt", r.op("add", variance, 1e-12))))


def layer_norm_without_affine(r: R, x: Ref) -> Ref:
    centred = r.op("sub", x, mean(r, x))
    variance = r.op("var", x, axes=(2,), keep_dims=True, correction=0)
    return r.op("div", centred, r.op("sqrt", r.op("add", variance, 1e-5)))


def layer_norm_without_bias(r: R, x: Ref) -> Ref:
    centred = r.op("sub", x, mean(r, x))
    factor = r.op("rsqrt", r.op("add", mean(r, r.op("mul", centred, centred)), 1e-5))
    return r.op("mul", r.parameter("weight", (C,)), r.op("mul", centred, factor))


def layer_norm_flax(r: R, x: Ref) -> Ref:
    average = mean_keep(r, x)
    variance = r.op("sub", mean_keep(r, r.op("square", x)), r.op("square", average))
    factor = r.op("rsqrt", r.op("add", r.op("maximum", 0.0, variance), 1e-6))
    factor = r.op("mul", factor, r.parameter("weight", (C,)))
    return r.op("add", r.op("mul", r.op("sub", x, average), factor), r.parameter("bias", (C,)))


def mean_keep(r: R, x: Ref) -> Ref:
    total = r.op("div", r.op("sum", x, axes=(2,), keep_dims=False), C)
    return r.reshape(total, (2, 4, 1))


def layer_norm_equinox(r: R, x: Ref) -> Ref:
    variance = r.op("maximum", 0.0, mean(r, r.op("square", r.op("sub", x, mean(r, x)))))
    factor = r.op("rsqrt", r.op("add", variance, 1e-5))
    return affine(r, r.op("mul", r.op("sub", x, mean(r, x)), factor))


def layer_norm_keras(r: R, x: Ref) -> Ref:
    average = mean(r, x)
    variance = mean(r, r.op("squared_difference", x, average))
    factor = r.op("mul", r.op("rsqrt", r.op("add", variance, 1e-3)), r.parameter("weight", (C,)))
    offset = r.op("sub", r.parameter("bias", (C,)), r.op("mul", average, factor))
    return r.op("add", r.op("mul", x, factor), offset)


def layer_norm_keras_tensorflow(r: R, x: Ref) -> Ref:
    average = mean(r, x)
    variance = mean(r, r.op("squared_difference", x, r.op("identity", average)))
    factor = r.op("mul", r.op("rsqrt", r.op("add", variance, 1e-3)), r.parameter("weight", (C,)))
    offset = r.op("add", r.op("mul", r.op("neg", average), factor), r.parameter("bias", (C,)))
    return r.op("add", r.op("mul", x, factor), offset)


def layer_norm_keras_without_bias(r: R, x: Ref) -> Ref:
    average = mean(r, x)
    variance = mean(r, r.op("squared_difference", x, average))
    factor = r.op("mul", r.op("rsqrt", r.op("add", variance, 1e-3)), r.parameter("weight", (C,)))
    return r.op("add", r.op("mul", x, factor), r.op("mul", r.op("neg", average), factor))


def rms_norm(r: R, x: Ref) -> Ref:
    factor = r.op("rsqrt", r.op("add", mean(r, r.op("pow", x, 2)), 1e-6))
    return r.op("mul", r.parameter("weight", (C,)), r.op("mul", x, factor))


def rms_norm_llama(r: R, x: Ref) -> Ref:
    factor = r.op("rsqrt", r.op("add", mean(r, r.op("pow", x, 2)), 1e-6))
    return r.op("mul", r.parameter("weight", (C,)), r.op("cast", r.op("mul", x, factor)))


def rms_norm_llama_in_one_dtype(r: R, x: Ref) -> Ref:
    factor = r.op("rsqrt", r.op("add", mean(r, r.op("pow", r.op("identity", x), 2)), 1e-6))
    return r.op("mul", r.parameter("weight", (C,)), r.op("identity", r.op("mul", x, factor)))


def rms_norm_equinox(r: R, x: Ref) -> Ref:
    average = r.op("div", r.op("sum", r.op("square", x), axes=(2,), keep_dims=False), C)
    factor = r.reshape(r.op("rsqrt", r.op("add", average, 1e-5)), (2, 4, 1))
    return r.op("mul", r.parameter("weight", (C,)), r.op("mul", factor, x))


def rms_norm_of_lost_axes_without_weight(r: R, x: Ref) -> Ref:
    average = r.op("div", r.op("sum", r.op("square", x), axes=(2,), keep_dims=False), C)
    return r.op("mul", x, r.reshape(r.op("rsqrt", r.op("add", average, 1e-5)), (2, 4, 1)))


def rms_norm_gemma(r: R, x: Ref) -> Ref:
    factor = r.op("rsqrt", r.op("add", mean(r, r.op("square", x)), 1e-6))
    return r.op("mul", r.op("mul", x, factor), r.op("add", r.parameter("weight", (C,)), 1.0))


def rms_norm_without_weight(r: R, x: Ref) -> Ref:
    return r.op("div", x, r.op("sqrt", r.op("add", mean(r, r.op("mul", x, x)), 1e-6)))


def statistics(r: R) -> tuple[Ref, Ref, Ref, Ref]:
    weight, bias, average = (r.parameter(name, (C,)) for name in ("weight", "bias", "running_mean"))
    return weight, bias, average, r.parameter("running_var", (C,))


def batch_norm_keras(r: R, x: Ref) -> Ref:
    weight, bias, average, variance = statistics(r)
    factor = r.op("mul", r.op("rsqrt", r.op("add", variance, 1e-3)), weight)
    return r.op("add", r.op("mul", x, factor), r.op("sub", bias, r.op("mul", average, factor)))


def batch_norm_flax(r: R, x: Ref) -> Ref:
    weight, bias, average, variance = statistics(r)
    factor = r.op("mul", r.op("rsqrt", r.op("add", variance, 1e-5)), weight)
    return r.op("add", r.op("mul", r.op("sub", x, average), factor), bias)


def batch_norm_channels_first(r: R, x: Ref) -> Ref:
    weight, bias, average, variance = (r.reshape(part, (1, C, 1)) for part in statistics(r))
    factor = r.op("mul", weight, r.op("rsqrt", r.op("add", variance, 1e-5)))
    return r.op("add", r.op("mul", x, factor), r.op("sub", bias, r.op("mul", average, factor)))


def batch_norm_without_affine(r: R, x: Ref) -> Ref:
    _, _, average, variance = statistics(r)
    return r.op("div", r.op("sub", x, average), r.op("sqrt", r.op("add", variance, 1e-5)))


def softmax(r: R, x: Ref) -> Ref:
    shifted = r.op("sub", x, r.op("reduce_max", x, axes=(2,), keep_dims=True))
    exponential = r.op("exp", shifted)
    return r.op("div", exponential, r.op("sum", exponential, axes=(2,), keep_dims=True))


def softmax_jax(r: R, x: Ref) -> Ref:
    largest = r.op("identity", r.reshape(r.op("reduce_max", x, axes=(1,)), (2, 1, 4)))
    exponential = r.op("exp", r.op("sub", x, largest))
    return r.op("div", exponential, r.reshape(r.op("sum", exponential, axes=(1,)), (2, 1, 4)))


def softmax_plain(r: R, x: Ref) -> Ref:
    exponential = r.op("exp", x)
    return r.op("mul", exponential, r.op("reciprocal", r.op("sum", exponential, axes=(2,), keep_dims=True)))


def log_softmax(r: R, x: Ref) -> Ref:
    shifted = r.op("sub", x, r.op("reduce_max", x, axes=(2,), keep_dims=True))
    total = r.op("sum", r.op("exp", shifted), axes=(2,), keep_dims=True)
    return r.op("sub", shifted, r.op("log", total))


def log_softmax_plain(r: R, x: Ref) -> Ref:
    return r.op("sub", x, r.op("log", r.op("sum", r.op("exp", x), axes=(2,), keep_dims=True)))


def clamp(r: R, x: Ref) -> Ref:
    return r.op("minimum", r.op("maximum", x, -1.5), 2.5)


def clamp_above_first(r: R, x: Ref) -> Ref:
    return r.op("maximum", r.op("minimum", x, 2.5), -1.5)


def layer_norm_of_lost_axes(r: R, x: Ref) -> Ref:
    average = r.op("div", r.op("sum", x, axes=(2,), keep_dims=False), C)
    squares = r.op("div", r.op("sum", r.op("square", x), axes=(2,), keep_dims=False), C)
    variance = r.op("maximum", r.op("sub", squares, r.op("square", average)), 0.0)
    factor = r.op("rsqrt", r.op("add", r.reshape(variance, (2, 4, 1)), 1e-6))
    factor = r.op("mul", factor, r.parameter("weight", (C,)))
    centred = r.op("sub", x, r.reshape(average, (2, 4, 1)))
    return r.op("add", r.op("mul", centred, factor), r.parameter("bias", (C,)))


def linear(r: R, x: Ref) -> Ref:
    product = r.op("linear", x, r.parameter("weight", (C, C)))
    return r.op("add", product, r.reshape(r.parameter("bias", (C,)), (1, 1, C)))


def linear_bias_first(r: R, x: Ref) -> Ref:
    product = r.op("linear", x, r.parameter("weight", (C, C)))
    return r.op("add", r.parameter("bias", (C,)), product)


def transposed(r: R, x: Ref) -> Ref:
    return r.op("permute", x, axes=(0, 2, 1))


def attention(r: R, x: Ref) -> Ref:
    key, value, mask = (r.input(name, SHAPE) for name in ("key", "value", "mask"))
    scores = r.op("div", r.op("matmul", x, transposed(r, key)), 2.0)
    return r.op("matmul", softmax(r, r.op("add", scores, mask)), value)


def attention_scaled_query(r: R, x: Ref) -> Ref:
    key, value = (r.input(name, SHAPE) for name in ("key", "value"))
    scores = r.op("matmul", r.op("mul", x, 0.5), transposed(r, key))
    return r.op("matmul", r.op("dropout", r.op("cast", softmax(r, scores))), value)


def attention_scaled_both(r: R, x: Ref) -> Ref:
    key, value, mask = (r.input(name, SHAPE) for name in ("key", "value", "mask"))
    half = sqrt(0.5)
    scores = r.op("matmul", r.op("mul", x, half), r.op("mul", transposed(r, key), half))
    return r.op("matmul", softmax(r, r.op("add", mask, scores)), value)


def attention_unscaled_with_itself(r: R, x: Ref) -> Ref:
    return r.op("matmul", softmax(r, r.op("matmul", x, transposed(r, x))), x)


def attention_filled(r: R, x: Ref) -> Ref:
    key, value = (r.input(name, SHAPE) for name in ("key", "value"))
    scores = r.op("mul", r.op("matmul", x, transposed(r, key)), 0.5)
    hidden = r.op("masked_fill", scores, r.input("mask", SHAPE, "bool"), -1e9)
    return r.op("matmul", softmax(r, hidden), value)


SPELLINGS: dict[str, list[Spelling]] = {
    "silu": [silu, silu_gate_first, silu_with_beta, silu_by_exp],
    "gelu": [
        *(gelu_textbook, gelu_one_plus_first, gelu_half_last, gelu_erfc_keras, gelu_erfc_jax),
        *(gelu_tanh_jax, gelu_tanh_gpt2, gelu_tanh_fast, gelu_tanh_multiplied_out),
    ],
    "prelu": [prelu_keras, prelu_of_both_parts, prelu_of_one_slope],
    "relu": [relu_clamp, relu_maximum],
    "relu6": [relu6_clamp, relu6_minimum],
    "hard_sigmoid": [hard_sigmoid, hard_sigmoid_keras],
    "hard_swish": [hard_swish, hard_swish_clamp, hard_swish_keras],
    "layer_norm": [
        *(layer_norm, layer_norm_by_division, layer_norm_without_affine, layer_norm_without_bias),
        *(layer_norm_keras_tensorflow, layer_norm_keras_without_bias),
        *(layer_norm_flax, layer_norm_equinox, layer_norm_keras, layer_norm_of_lost_axes),
    ],
    "rms_norm": [
        *(rms_norm, rms_norm_llama, rms_norm_llama_in_one_dtype, rms_norm_gemma, rms_norm_without_weight),
        *(rms_norm_equinox, rms_norm_of_lost_axes_without_weight),
    ],
    "batch_norm": [
        *(batch_norm_keras, batch_norm_flax, batch_norm_channels_first, batch_norm_without_affine),
    ],
    "softmax": [softmax, softmax_jax, softmax_plain],
    "log_softmax": [log_softmax, log_softmax_plain],
    "clamp": [clamp, clamp_above_first],
    "linear": [linear, linear_bias_first],
    "attention": [
        *(attention, attention_scaled_query, attention_scaled_both, attention_unscaled_with_itself),
        attention_filled,
    ],
}


def record(spelling: Spelling) -> Recording:
    """A model that is nothing but this spelling, with one input `input`."""
    r = RecordingBuilder()
    r.output(spelling(r, r.input("input", SHAPE)))
    return r.build()

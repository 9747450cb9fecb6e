"""Small models for the cases of rules: functions that fill a `GraphBuilder`. Add one where none fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clika_core.ir.graph import Shape
    from clika_core.testing.builder import GraphBuilder


def classifier(g: GraphBuilder) -> None:
    """conv_1, relu_1, conv_2, relu_2, adaptive_avg_pool_1, flatten_1, linear_1; the tail is linear_1."""
    h = g.input("x", ("d0", 3, 8, 8))
    h = g.layer("conv", h, weight=(8, 3, 3, 3), bias=(8,), path="features.0")
    h = g.layer("relu", h, path="features.1")
    h = g.layer("conv", h, weight=(8, 8, 3, 3), bias=(8,), path="features.2")
    h = g.layer("relu", h, path="features.3")
    h = g.layer("adaptive_avg_pool", h, path="pool", output_size=(1, 1), shape=("d0", 8, 1, 1))
    h = g.layer("flatten", h, shape=("d0", 8))
    g.output(g.layer("linear", h, weight=(10, 8), bias=(10,), path="classifier"))


def residual(g: GraphBuilder) -> None:
    """conv_1, relu_1, conv_2, add_1 (of relu_1 and conv_2), conv_3, flatten_1, linear_1."""
    h = g.input("x", ("d0", 8, 8, 8))
    h = g.layer("relu", g.layer("conv", h, weight=(8, 8, 1, 1), path="stem.conv"), path="stem.relu")
    branch = g.layer("conv", h, weight=(8, 8, 1, 1), path="block.conv")
    h = g.layer("add", h, branch, path="block")
    h = g.layer("conv", h, weight=(8, 8, 1, 1), path="neck")
    g.output(g.layer("linear", g.layer("flatten", h, shape=("d0", 512)), weight=(10, 512), path="head"))


def two_heads(g: GraphBuilder) -> None:
    """conv_1, relu_1, then linear_1 to output_1 and linear_2 to output_2."""
    h = g.input("x", ("d0", 8, 4, 4))
    h = g.layer("relu", g.layer("conv", h, weight=(8, 8, 1, 1), path="backbone.conv"), path="backbone.relu")
    h = g.layer("flatten", h, shape=("d0", 128))
    g.output(g.layer("linear", h, weight=(4, 128), path="boxes"))
    g.output(g.layer("linear", h, weight=(10, 128), path="classes"))


def unweighted(g: GraphBuilder) -> None:
    """relu_1 and softmax_1: nothing with a weight."""
    g.output(g.layer("softmax", g.layer("relu", g.input("x", ("d0", 8))), axis=-1))


def convolutions(g: GraphBuilder) -> None:
    """conv_1 to conv_6 in a row, flatten_1, linear_1; the tail is linear_1."""
    h = g.input("x", ("d0", 8, 4, 4))
    for number in range(6):
        h = g.layer("conv", h, weight=(8, 8, 1, 1), path=f"blocks.{number}")
    g.output(g.layer("linear", g.layer("flatten", h, shape=("d0", 128)), weight=(10, 128), path="head"))
def tagger(g: GraphBuilder) -> None:
    """embedding_1, lstm_1, linear_1, relu_1, linear_2: ort runs neither of the first two quantized."""
    h = g.input("input_ids", ("d0", 4), "int64")
    h = g.layer("embedding", h, weight=(100, 16), path="words", shape=("d0", 4, 16), dtype="float32")
    gates = {"weights.0": (64, 16), "weights.1": (64, 16)}
    h = g.layer("lstm", h, weights=gates, path="encoder", shape=("d0", 4, 16), batch_first=True)
    h = g.layer("relu", g.layer("linear", h, weight=(16, 16), path="mix"), path="act")
    g.output(g.layer("linear", h, weight=(4, 16), path="tags"))


def decoder(g: GraphBuilder) -> None:
    """conv_1, conv_transpose_1, relu_1, conv_2: ort has no quantized kernel for conv_transpose."""
    h = g.layer("conv", g.input("x", ("d0", 8, 4, 4)), weight=(8, 8, 1, 1), path="mix")
    size: Shape = ("d0", 8, 8, 8)
    h = g.layer("conv_transpose", h, weight=(8, 8, 2, 2), strides=(2, 2), shape=size, path="up")
    g.output(g.layer("conv", g.layer("relu", h, path="act"), weight=(3, 8, 1, 1), path="image"))


def unknown_types(g: GraphBuilder) -> None:
    """conv_1, aten_fancy_op_1, permute_1, flatten_1, aten_odd_op_1, linear_1, linear_2."""
    h = g.layer("conv", g.input("x", ("d0", 8, 4, 4)), weight=(8, 8, 1, 1), path="stem")
    h = g.layer(
        "permute", g.layer("aten_fancy_op", h, path="fancy"), axes=(0, 2, 3, 1), shape=("d0", 4, 4, 8)
    )
    h = g.layer("aten_odd_op", g.layer("flatten", h, shape=("d0", 128)), path="odd")
    g.output(g.layer("linear", g.layer("linear", h, weight=(8, 128)), weight=(4, 8), path="head"))


def two_unknown_layers(g: GraphBuilder) -> None:
    """aten_fancy_op_1, flatten_1, aten_fancy_op_2, concat_1, linear_1, linear_2."""
    h = g.input("x", ("d0", 2, 4))
    a = g.layer("flatten", g.layer("aten_fancy_op", h, path="left"), shape=("d0", 8))
    b = g.layer("aten_fancy_op", g.input("y", ("d0", 8)), path="right")
    h = g.layer("concat", a, b, axis=1, shape=("d0", 16))
    g.output(g.layer("linear", g.layer("linear", h, weight=(8, 16)), weight=(4, 8), path="head"))


def attention_only(g: GraphBuilder) -> None:
    """matmul_1, softmax_1, matmul_2 of three inputs: nothing with a weight."""
    q, k, v = (g.input(name, ("d0", 4, 4)) for name in "qkv")
    scores = g.layer("softmax", g.layer("matmul", q, k, shape=("d0", 4, 4)), axis=-1)
    g.output(g.layer("matmul", scores, v, shape=("d0", 4, 4)))

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


def guide_network(g: GraphBuilder) -> None:
    """The guide's: conv_1..2 with relu and max_pool, adaptive_avg_pool_1, flatten_1, dropouts, linear_1..5."""
    h = g.input("x", ("d0", 3, 8, 8))
    for number, channels in enumerate((3, 8)):
        h = g.layer("conv", h, weight=(8, channels, 3, 3), bias=(8,), path=f"features.{3 * number}")
        h = g.layer("relu", h, path=f"features.{3 * number + 1}")
        h = g.layer("max_pool", h, path=f"features.{3 * number + 2}")
    h = g.layer("adaptive_avg_pool", h, path="pool", output_size=(1, 1), shape=("d0", 8, 1, 1))
    h = g.layer("flatten", h, shape=("d0", 8))
    for number in range(4):
        h = g.layer("dropout", h, path=f"classifier.{3 * number}")
        h = g.layer("linear", h, weight=(8, 8), bias=(8,), path=f"classifier.{3 * number + 1}")
        h = g.layer("relu", h, path=f"classifier.{3 * number + 2}")
    g.output(g.layer("linear", h, weight=(10, 8), bias=(10,), path="classifier.12"))


def with_norm(g: GraphBuilder) -> None:
    """conv_1 with batch_norm_1 folded into it, relu_1, conv_2, flatten_1, dropout_1, linear_1."""
    h = g.input("x", ("d0", 8, 4, 4))
    h = g.layer("conv", h, weight=(8, 8, 1, 1), path="stem.conv")
    h = g.layer("batch_norm", h, weight=(8,), bias=(8,), path="stem.norm")
    h = g.layer("relu", h, path="stem.act")
    h = g.layer("conv", h, weight=(8, 8, 1, 1), path="neck")
    h = g.layer("dropout", g.layer("flatten", h, shape=("d0", 128)), path="drop")
    g.output(g.layer("linear", h, weight=(10, 128), path="head"))


def blocks(g: GraphBuilder) -> None:
    """blocks.0 to blocks.2, each linear, relu, linear and an add of its input; then linear_7, the tail."""
    h = g.input("x", ("d0", 16))
    for number in range(3):
        path = f"blocks.{number}"
        wide = g.layer("linear", h, weight=(32, 16), path=f"{path}.mlp.up")
        wide = g.layer("relu", wide, path=f"{path}.mlp.act")
        h = g.layer("add", h, g.layer("linear", wide, weight=(16, 32), path=f"{path}.mlp.down"), path=path)
    g.output(g.layer("linear", h, weight=(10, 16), path="head"))


def misnamed(g: GraphBuilder) -> None:
    """conv_1 (path stem), relu_1, conv_2 (path conv_1), flatten_1, linear_1 (path linear_1)."""
    h = g.layer("conv", g.input("x", ("d0", 8, 4, 4)), weight=(8, 8, 1, 1), path="stem")
    h = g.layer("conv", g.layer("relu", h, path="act"), weight=(8, 8, 1, 1), path="conv_1")
    g.output(g.layer("linear", g.layer("flatten", h, shape=("d0", 128)), weight=(10, 128), path="linear_1"))


def cached_keys(g: GraphBuilder) -> None:
    """Three blocks of linear and relu (mlp), linear (key) and an add of both; every key is an output too."""
    h = g.input("x", ("d0", 16))
    keys = []
    for number in range(3):
        path = f"layers.{number}"
        h = g.layer("relu", g.layer("linear", h, weight=(16, 16), path=f"{path}.mlp"), path=f"{path}.act")
        keys.append(g.layer("linear", h, weight=(16, 16), path=f"{path}.key"))
        h = g.layer("add", h, keys[-1], path=path)
    g.output(g.layer("linear", h, weight=(10, 16), path="head"), path="logits")
    for number, key in enumerate(keys):
        g.output(key, path=f"past_key_values.{number}.key")


def mixed_support(g: GraphBuilder) -> None:
    """linear_1, layer_norm_1 (no kernel), flatten_1 (float with it), linear_2, linear_3, argmax_1 (integers)."""
    h = g.layer("linear", g.input("x", ("d0", 4, 8)), weight=(8, 8), path="block.up")
    h = g.layer("layer_norm", h, weight=(8,), bias=(8,), axes=(-1,), path="block.norm")
    h = g.layer("linear", g.layer("flatten", h, shape=("d0", 32)), weight=(8, 32), path="block.down")
    h = g.layer("linear", h, weight=(10, 8), path="head")
    g.output(g.layer("argmax", h, shape=("d0",), path="head.index"))


def gates(g: GraphBuilder) -> None:
    """layers.0 to layers.3, each linear (gate), linear (gate_proj) and linear (out) in a row: linear_1 to 12."""
    h = g.input("x", ("d0", 8))
    for number in range(4):
        for part in ("gate", "gate_proj", "out"):
            h = g.layer("linear", h, weight=(8, 8), path=f"layers.{number}.{part}")
    g.output(h)


def shared_weight(g: GraphBuilder) -> None:
    """linear_1, relu_1, linear_2 with linear_1's weight, relu_2, linear_3 of its own, linear_4 the head."""
    from clika_core.ir.graph import Weight

    shared = Weight("weight", (16, 16), "float32", "encoder.weight")
    h = g.layer("linear", g.input("x", ("d0", 16)), weight=shared, path="encoder")
    h = g.layer("linear", g.layer("relu", h), weight=shared, path="encoder")
    h = g.layer("linear", g.layer("relu", h), weight=(16, 16), path="decoder")
    g.output(g.layer("linear", h, weight=(10, 16), path="head"))


def tied_head(g: GraphBuilder) -> None:
    """linear_1, relu_1, and linear_2, the tail, with the weight of linear_1."""
    from clika_core.ir.graph import Weight

    shared = Weight("weight", (16, 16), "float32", "tied.weight")
    h = g.layer("linear", g.input("x", ("d0", 16)), weight=shared, path="first")
    g.output(g.layer("linear", g.layer("relu", h), weight=shared, path="last"))

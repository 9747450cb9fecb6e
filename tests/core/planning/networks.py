"""The networks of the semantics page, as a trace would give them."""

from __future__ import annotations

from clika_core.ir.graph import Graph
from clika_core.testing import Built, GraphBuilder

IMAGE = ("d0", 3, 8, 8)


def classifier() -> Graph:
    """A small network with the layers of the guide's examples: `adaptive_avg_pool_1`, `linear_5`.

    conv_1 batch_norm_1 relu_1 | conv_2 add_1 relu_2 adaptive_avg_pool_1 flatten_1 | linear_1 relu_3 dropout_1
    linear_2 relu_4 linear_3 relu_5 linear_4 relu_6 linear_5
    """
    g = GraphBuilder()
    h = g.layer("conv", g.input("x", IMAGE), weight=(8, 3, 3, 3), path="features.0.conv")
    h = g.layer("relu", g.layer("batch_norm", h, weights={"weight": (8,)}, path="features.0.norm"))
    h = g.layer("relu", g.layer("add", h, g.layer("conv", h, weight=(8, 8, 3, 3), path="features.1.conv")))
    h = g.layer("adaptive_avg_pool", h, output_size=(1, 1), shape=("d0", 8, 1, 1), path="pool")
    h = g.layer("flatten", h)
    for position in range(4):
        h = g.layer("relu", g.layer("linear", h, weight=(8, 8), path=f"classifier.{position}"))
        if position == 0:
            h = g.layer("dropout", h, path="classifier.drop")
    g.output(g.layer("linear", h, weight=(10, 8), path="classifier.4"))
    return g.build()


def residual() -> Graph:
    """`x1 = linear_1(x)`, `out = x1 + linear_2(x1)`."""
    g = GraphBuilder()
    x1 = g.layer("linear", g.input("x"), weight=(8, 8))
    g.output(g.layer("add", x1, g.layer("linear", x1, weight=(8, 8))))
    return g.build()


def detector() -> Graph:
    """A backbone `conv_1 relu_1`, two heads with a last convolution each, joined and squashed."""
    g = GraphBuilder()
    features = g.layer("relu", g.layer("conv", g.input("x", IMAGE), weight=(8, 3, 3, 3)))
    heads = []
    for _ in range(2):
        h = g.layer("relu", g.layer("conv", features, weight=(8, 8, 3, 3)))
        h = g.layer("conv", h, weight=(4, 8, 1, 1))
        heads.append(g.layer("reshape", g.layer("permute", h, axes=(0, 2, 3, 1)), shape=(-1, 4)))
    g.output(g.layer("sigmoid", g.layer("concat", *heads, axis=1)))
    return g.build()


def transformer(blocks: int = 2) -> Graph:
    """A post-norm encoder with a cache among its outputs.

    Per block: query, key, value `linear`, `attention`, `linear`, `add`, `layer_norm`, `linear`, `gelu`, `linear`,
    `add`, `layer_norm`. Outputs: `output_1` is `last_hidden_state`, then one key per block.
    """
    g = GraphBuilder()
    h = g.layer("embedding", g.input("input_ids", ("d0", 16), "int64"), weight=(100, 8), path="embeddings")
    keys = []
    for block in range(blocks):
        h, key = _encoder_block(g, h, f"blocks.{block}")
        keys.append(key)
    g.output(h, path="last_hidden_state")
    for block, key in enumerate(keys):
        g.output(key, path=f"past_key_values.{block}.key")
    return g.build()


def _encoder_block(g: GraphBuilder, h: Built, path: str) -> tuple[Built, Built]:
    """The block's output and its keys."""
    query, key, value = (
        g.layer("linear", h, weight=(8, 8), path=f"{path}.attention.{part}") for part in ("q", "k", "v")
    )
    attended = g.layer("attention", query, key, value, path=f"{path}.attention")
    projected = g.layer("linear", attended, weight=(8, 8), path=f"{path}.attention.out")
    h = g.layer("layer_norm", g.layer("add", h, projected), weight=(8,), path=f"{path}.norm1")
    inner = g.layer("gelu", g.layer("linear", h, weight=(32, 8), path=f"{path}.mlp.0"))
    fed = g.layer("linear", inner, weight=(8, 32), path=f"{path}.mlp.2")
    return g.layer("layer_norm", g.layer("add", h, fed), weight=(8,), path=f"{path}.norm2"), key


def diamond() -> Graph:
    """`relu_1` forks into `relu_2` and `sigmoid_1`; `add_1` joins; `softmax_1` reads `sigmoid_1` on the side."""
    g = GraphBuilder()
    top = g.layer("relu", g.input("x"))
    left, right = g.layer("relu", top), g.layer("sigmoid", top)
    g.output(g.layer("add", left, right))
    g.output(g.layer("softmax", right, axis=1))
    return g.build()


def chain(*types: str) -> Graph:
    """`x` through layers of these types, one after the other; `conv` and `linear` get a weight."""
    weights = {"conv": (8, 8, 1, 1), "linear": (8, 8), "batch_norm": (8,)}
    g = GraphBuilder()
    h = g.input("x", ("d0", 8, 4, 4))
    for type_name in types:
        h = g.layer(type_name, h, weight=weights.get(type_name))
    g.output(h)
    return g.build()

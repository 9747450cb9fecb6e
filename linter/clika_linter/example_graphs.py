"""Small models for the cases of rules: functions that fill a `GraphBuilder`. Add one where none fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

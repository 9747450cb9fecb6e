"""The models of the deliberately bad project: small, and with a layer for every rule to stumble over."""

from __future__ import annotations

from clika_core.ir.graph import Weight
from clika_core.testing.builder import GraphBuilder
from clika_linter.case import MakeGraph
from clika_linter.example_graphs import classifier, convolutions, unweighted


def detector(g: GraphBuilder) -> None:
    """stem, three residual blocks, an upsampling neck, then a tied encoder and two heads."""
    h = g.layer("conv", g.input("image", ("d0", 8, 4, 4)), weight=(8, 8, 1, 1), path="stem.conv")
    h = g.layer("relu", g.layer("batch_norm", h, weight=(8,), bias=(8,), path="stem.norm"), path="stem.act")
    for number in range(3):
        path = f"blocks.{number}"
        wide = g.layer("conv", h, weight=(8, 8, 1, 1), path=f"{path}.expand")
        wide = g.layer("relu", wide, path=f"{path}.act")
        h = g.layer("add", h, g.layer("conv", wide, weight=(8, 8, 1, 1), path=f"{path}.reduce"), path=path)
    h = g.layer("relu", g.layer("conv", h, weight=(8, 8, 1, 1), path="neck.conv"), path="neck.act")
    h = g.layer("conv_transpose", h, weight=(8, 8, 1, 1), path="neck.up")
    h = g.layer("conv", g.layer("aten_fancy_op", h, path="neck.fancy"), weight=(8, 8, 1, 1), path="conv_10")
    h = g.layer("conv", h, weight=(8, 8, 1, 1), path="mix.first")
    h = g.layer("relu", g.layer("conv", h, weight=(8, 8, 1, 1), path="mix.second"), path="mix.act")
    h = g.layer("flatten", h, shape=("d0", 128), path="flat")
    shared = Weight("weight", (128, 128), "float32", "encoder.weight")
    for _ in range(2):
        h = g.layer("relu", g.layer("linear", h, weight=shared, path="encoder"))
    for part in ("a", "b", "c", "d"):
        h = g.layer("linear", h, weight=(128, 128), path=f"decoder.{part}")
    g.output(g.layer("linear", h, weight=(4, 128), path="boxes"))
    g.output(g.layer("linear", h, weight=(10, 128), path="classes"))


NETWORKS: dict[str, MakeGraph] = {
    "detector": detector,
    "classifier": classifier,
    "convolutions": convolutions,
    "unweighted": unweighted,
}

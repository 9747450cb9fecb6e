"""The reference models: what to build, and what the traced graph must then say.

Build each in your framework's own terms and layout (NHWC where that is what your users write), with random
weights, and statistics of batch norms away from 0 and 1. Layers that only move values (flatten, permute,
max_pool, concat) may differ between frameworks and are not compared; all others stand here, in trace order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Type = str | frozenset[str]

POOL = frozenset({"adaptive_avg_pool", "avg_pool", "mean"})
"""A global average pool, however a framework spells it."""


@dataclass(frozen=True)
class Architecture:
    """One reference model.

    `layers` are the types of the layers that compute, in trace order; a set offers a choice. `tail` gives the
    positions, among these, of the model's tail, `hosts` the layers that preprocessing removes, each with the layer
    that absorbs it (None: nobody). `biased` are the positions of weighted layers that have a bias.
    """

    build: str
    layers: tuple[Type, ...]
    tail: tuple[int, ...]
    hosts: Mapping[int, int | None] = field(default_factory=dict)
    biased: tuple[int, ...] = ()


ARCHITECTURES: Mapping[str, Architecture] = {
    "classifier": Architecture(
        "images 3x12x12; conv 3x3, 8 channels, same size, no bias; batch_norm; relu; max_pool 2; conv 3x3, 12 "
        "channels, same size, bias; relu; global average pool; linear 10, bias; relu; linear 5, bias",
        ("conv", "batch_norm", "relu", "conv", "relu", POOL, "linear", "relu", "linear"),
        tail=(8,),
        hosts={1: 0},
        biased=(3, 6, 8),
    ),
    "residual": Architecture(
        "images 3x12x12; y = relu(conv 3x3, 8 channels, same size, bias); z = batch_norm(conv 3x3, 8 channels, "
        "same size, no bias, of y); relu(y + z); global average pool; linear 4, bias",
        ("conv", "relu", "conv", "batch_norm", "add", "relu", POOL, "linear"),
        tail=(7,),
        hosts={3: 2},
        biased=(0, 7),
    ),
    "depthwise": Architecture(
        "images 3x12x12; conv 1x1, 8 channels, bias; relu6; depthwise conv 3x3, stride 2, bias; relu6; conv 1x1, 4 "
        "channels, bias; global average pool; linear 3, bias",
        ("conv", "relu6", "conv", "relu6", "conv", POOL, "linear"),
        tail=(6,),
        biased=(0, 2, 4, 6),
    ),
    "gated": Architecture(
        "images 3x12x12; y = relu(conv 3x3, 8 channels, bias); y * sigmoid(conv 1x1, 8 channels, bias, of the global "
        "average pool of y); global average pool; linear 4, bias",
        ("conv", "relu", POOL, "conv", "sigmoid", "mul", POOL, "linear"),
        tail=(7,),
        biased=(0, 3, 7),
    ),
    "branches": Architecture(
        "images 3x12x12; y = relu(conv 3x3, 4 channels, bias); concat along channels of conv 1x1, 3 channels, bias, "
        "of y and conv 3x3, 5 channels, same size, bias, of y; conv 1x1, 4 channels, bias",
        ("conv", "relu", "conv", "conv", "conv"),
        tail=(4,),
        biased=(0, 2, 3, 4),
    ),
    "two_outputs": Architecture(
        "images 3x12x12; y = relu(conv 3x3, 8 channels, bias); two results: conv 1x1, 4 channels, bias, of y; "
        "sigmoid of conv 1x1, 2 channels, bias, of y",
        ("conv", "relu", "conv", "conv", "sigmoid"),
        tail=(2, 3, 4),
        biased=(0, 2, 3),
    ),
    "bypass": Architecture(
        "vectors 6; y = linear 6, bias; y + linear 6, bias, of y",
        ("linear", "linear", "add"),
        tail=(1, 2),
        biased=(0, 1),
    ),
    "shared": Architecture(
        "vectors 6; one linear 6, bias, called twice, a relu after each call; linear 3, bias",
        ("linear", "relu", "linear", "relu", "linear"),
        tail=(4,),
        biased=(0, 2, 4),
    ),
    "transformer": Architecture(
        "sequences 5x16; linear 16 thrice for q, k, v, in that order, with bias; attention of 2 heads, 1/sqrt(8); "
        "linear 16, bias; add to the input; layer_norm; linear 32, bias; gelu; linear 16, bias; add; layer_norm",
        (
            *("linear", "linear", "linear", "attention", "linear", "add", "layer_norm"),
            *("linear", "gelu", "linear", "add", "layer_norm"),
        ),
        tail=(9, 10, 11),
        biased=(0, 1, 2, 4, 7, 9),
    ),
    "lstm": Architecture(
        "tokens 7, integers below 20; embedding 8; lstm 6, all steps; linear 3, bias",
        ("embedding", "lstm", "linear"),
        tail=(2,),
        biased=(2,),
    ),
}

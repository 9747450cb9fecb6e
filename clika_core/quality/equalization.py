"""Cross-layer equalization: channels of a value are made alike, so that one scale serves all of them.

Dividing channel c of a layer's output by a factor s[c] > 0 and multiplying the weights that read it by s[c] leaves
the float function as it is, as long as what lies between lets positive factors pass (Nagel et al. 2019, "Data-free
quantization through weight equalization and bias correction", section 4.1):

    W1'[c] = W1[c] / s[c]      bias1'[c] = bias1[c] / s[c]      W2'[:, c] = W2[:, c] · s[c]

Weights have a scale for each output channel already, so it is values between layers, with one scale each, that gain.
With r[v, c] the size of channel c in the quantized value v, and all values in which the channel occurs,

    log s[c] = STRENGTH · mean over v of log(r[v, c] / max r[v])           size = sqrt(largest |x| · rms of x)

STRENGTH 1 would make all channels alike and leave the differences to the columns of W2, which then share a scale
per row; 1/2 shares them out. All of it is done before calibration: the ranges of scaled values are observed once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.ir.graph import Node
from clika_core.quality.channels import Channels, follow_channels, may_be_scaled
from clika_core.quality.work import FloatWork, Improvement

STRENGTH: Final = 0.5
NOTHING: Final = Improvement((), "cross-layer equalization: no channels that can be scaled")
LEAST: Final = 2.0**-6  # of the largest channel: a smaller one counts as this large

Operands = Mapping[tuple[str, str], NDArray[Any]]


def equalize_layers(work: FloatWork) -> tuple[FloatWork, Improvement]:
    """The model with equalized channels."""
    if not may_be_scaled(work.model.graph):
        return work, NOTHING
    channels = follow_channels(work.model, work.inputs, work.rounded, sizes, work.reference.sampling)
    factors = channel_factors(channels)
    layers = tuple(name for name, made in channels.made.items() if np.any(factors[made] != 1))
    if not layers:
        return work, NOTHING
    outputs = {name: 1 / factors[made] for name, made in channels.made.items()}
    found = work.with_scaled(scaled_operands(work.model, channels, factors), outputs)
    return found, Improvement(layers, f"cross-layer equalization: the outputs of {len(layers)} layers")


def sizes(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """The size of each channel, [C], given values [M, C, N]: between the largest and the root mean square."""
    most, least = (extreme(values, axis=(0, 2), initial=0) for extreme in (np.max, np.min))
    squares = np.einsum("mcn,mcn->mc", values, values).sum(axis=0, dtype=np.float64)
    count = max(values.shape[0] * values.shape[2], 1)
    return np.asarray(np.sqrt(np.maximum(most, -least) * np.sqrt(squares / count)))


def channel_factors(channels: Channels) -> NDArray[np.float64]:
    """s for every channel ever numbered; 1 for those that are fixed, that nothing reads, or that are in no value."""
    roots = channels.classes.roots
    total, count = np.zeros(len(roots)), np.zeros(len(roots))
    for extent in channels.extents.values():
        largest = extent.sizes.max(initial=0.0)
        if largest > 0:
            share_of_largest = np.maximum(extent.sizes / largest, LEAST)
            np.add.at(total, roots[extent.numbers], np.log(share_of_largest))
            np.add.at(count, roots[extent.numbers], 1.0)
    logarithm = STRENGTH * total / np.maximum(count, 1.0)
    return np.where(channels.free(), np.exp(logarithm[roots]), 1.0)


def scaled_operands(model: TracedModel, channels: Channels, factors: NDArray[np.float64]) -> Operands:
    """The weights and biases of all layers whose channels are scaled, by (layer, role), rounded once."""
    found: dict[tuple[str, str], NDArray[Any]] = {}
    for name in dict.fromkeys((*channels.made, *channels.read)):
        held, node = model.parameters(name), model.graph[name]
        made = factors[channels.made[name]]
        weight = held["weight"] / made.reshape(-1, *[1] * (held["weight"].ndim - 1))
        if name in channels.read:
            weight = weight * _by_column(node, weight.shape, factors[channels.read[name]])
        found[name, "weight"] = weight.astype(held["weight"].dtype)
        if "bias" in held:
            found[name, "bias"] = (held["bias"] / made).astype(held["bias"].dtype)
    return found


def _by_column(node: Node, shape: tuple[int, ...], factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The factors of a layer's input channels, shaped to multiply its weight [out, in / groups, ...]."""
    groups = node.attributes.get("groups", 1) if node.type == "conv" else 1
    assert isinstance(groups, int)
    by_row = np.repeat(factors.reshape(groups, shape[1]), shape[0] // groups, axis=0)
    return by_row.reshape(shape[0], shape[1], *[1] * (len(shape) - 2))

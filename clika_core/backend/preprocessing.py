"""Preprocessing: fold batch norms into the layers before them, pass over dropouts. The graph stays the traced one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Removals, TracedModel
from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.removals import removals

Arrays = Mapping[str, NDArray[np.float32]]

STATISTICS: Final = ("running_mean", "running_var")
"""The operands of a batch norm that no gradient reaches."""


def preprocess(model: TracedModel) -> TracedModel:
    """A copy of `model` without the layers that do nothing in inference, equal within float rounding.

    A layer used twice keeps one weight per use where different norms follow the uses.
    """
    found = removals(model.graph)
    prepared = model.preprocess(Removals(found))
    for name, host in found.items():
        if host is not None:
            node = model.graph[host]
            folded = fold_batch_norm(
                node, prepared.parameters(host), model.graph[name], model.parameters(name)
            )
            prepared.parameters(host).update(folded)
    return prepared


def keep_norms(model: TracedModel) -> TracedModel:
    """A copy without dropouts, whose batch norms stay; each has running statistics of its own, which can move."""
    prepared = model.preprocess(
        Removals({n: None for n, host in removals(model.graph).items() if host is None})
    )
    for node in model.graph.layers:
        if node.type == "batch_norm":
            own = model.parameters(node.name)
            prepared.parameters(node.name).update({role: own[role] for role in STATISTICS if role in own})
    return prepared


def fold_batch_norm(
    host: Node, weights: Arrays, norm: Node, statistics: Arrays
) -> dict[str, NDArray[np.float32]]:
    """The host's new `weight` and `bias`: Jacob et al. 2018, section 3.2, in float64, rounded once.

    factor = gamma / sqrt(running_var + epsilon)
    weight' = weight * factor (along output channels)      bias' = (bias - running_mean) * factor + beta
    """
    if "running_mean" not in statistics or "running_var" not in statistics:
        raise GraphError(
            f"batch norm {norm.name!r} has no running statistics", fix="train or load them first"
        )
    mean, variance = (statistics[role].astype(np.float64) for role in ("running_mean", "running_var"))
    gamma = statistics["weight"].astype(np.float64) if "weight" in statistics else np.ones_like(mean)
    beta = statistics["bias"].astype(np.float64) if "bias" in statistics else np.zeros_like(mean)
    epsilon = norm.attributes.get("epsilon", 1e-5)
    assert isinstance(epsilon, int | float)
    factor = gamma / np.sqrt(variance + epsilon)
    weight = weights["weight"].astype(np.float64)
    bias = weights["bias"].astype(np.float64) if "bias" in weights else np.zeros_like(mean)
    return {
        "weight": (weight * _along_outputs(host, factor, weight.shape)).astype(np.float32),
        "bias": ((bias - mean) * factor + beta).astype(np.float32),
    }


def _along_outputs(host: Node, factor: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """`factor` shaped to multiply the output channels of the host's weight.

    A transposed convolution holds [inputs, outputs / groups, ...]: its output channels run over groups first.
    """
    if host.type != "conv_transpose":
        return factor.reshape(-1, *[1] * (len(shape) - 1))
    groups = host.attributes.get("groups", 1)
    assert isinstance(groups, int)
    per_group = factor.reshape(groups, shape[1])
    rows = np.repeat(per_group, shape[0] // groups, axis=0)
    return rows.reshape(shape[0], shape[1], *[1] * (len(shape) - 2))

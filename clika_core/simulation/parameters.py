"""All quantization parameters of a model: of values between layers, and of weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.graph import Node, ValueKey
from clika_core.ir.operators import OPERATORS
from clika_core.numerics import (
    QuantParams,
    params_from_range,
    raise_weight_scale_for_bias,
    weight_params,
)
from clika_core.numerics.sharing import reduce
from clika_core.planning.wiring import Wiring
from clika_core.simulation.points import Points
from clika_core.targets.target import Arithmetic, Target


@dataclass(frozen=True, slots=True)
class Parameters:
    """`activations` by (layer or input, port), probabilities among them; `weights` by (layer, role).

    `gains` are C positive float32 numbers for float values [..., C] that integer layers read: the value is multiplied
    by them before it is quantized, and the readers' weights are divided by them (`clika_core.quality.balancing`).
    """

    activations: Mapping[ValueKey, QuantParams]
    weights: Mapping[tuple[str, str], QuantParams]
    gains: Mapping[ValueKey, tuple[float, ...]] = field(default_factory=lambda: MappingProxyType({}))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON: `activations` and `gains` as `name.port`, `weights` as `name.role`."""
        return {
            "activations": {f"{n}.{port}": p.to_json() for (n, port), p in self.activations.items()},
            "weights": {f"{n}.{role}": p.to_json() for (n, role), p in self.weights.items()},
            "gains": {f"{n}.{port}": list(gain) for (n, port), gain in self.gains.items()},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Parameters:
        """The inverse of `to_json`. Raises KeyError, ValueError or NumericsError for anything else."""
        return cls(
            {_value_key(name): QuantParams.from_json(p) for name, p in data["activations"].items()},
            {_split(name): QuantParams.from_json(params) for name, params in data["weights"].items()},
            {_value_key(name): tuple(map(float, gain)) for name, gain in data.get("gains", {}).items()},
        )


def _split(name: str) -> tuple[str, str]:
    """`layer.role` in two; the layer's name may have dots."""
    layer, _, role = name.rpartition(".")
    return layer, role


def _value_key(name: str) -> ValueKey:
    layer, port = _split(name)
    return layer, int(port)


def share(points: Points, observed: Mapping[ValueKey, QuantParams]) -> dict[ValueKey, QuantParams]:
    """The parameters of every point: observed ones, and those that moved codes carry along."""
    return {**observed, **{key: observed[source] for key, source in points.shared.items()}}


def layer_weight_params(
    wiring: Wiring,
    node: Node,
    weights: Mapping[str, NDArray[Any]],
    activations: Mapping[ValueKey, QuantParams],
    target: Target,
    num_bits: int = 8,
) -> dict[str, QuantParams]:
    """The parameters of one quantized layer's parametric operands and numbers, by role; a bias has none of its own.

    A multiplied weight has the target's weight scheme, its scale raised where the bias would not fit; any other
    operand is a constant activation.
    """
    found: dict[str, QuantParams] = {}
    if target.arithmetic(node) is Arithmetic.MOVE:
        return found
    multiplied, selecting = OPERATORS[node.type].weight_operands, OPERATORS[node.type].index_operands
    for role, array in weights.items():
        if role in selecting and role not in multiplied:
            continue
        if role in multiplied:
            params = _with_live_scales(weight_params(array, target.weight_scheme(node, num_bits)), array)
            found[role] = params
            if target.arithmetic(node) is Arithmetic.ACCUMULATE:
                source = wiring.sources[wiring.graph.index[node.name]][0]
                found[role] = raise_weight_scale_for_bias(params, activations[source], weights.get("bias"))
        elif role != "bias":
            low, high = float(np.min(array, initial=0.0)), float(np.max(array, initial=0.0))
            found[role] = params_from_range(low, high, target.activation_scheme())
    for role, number in numbers(node).items():
        found[role] = params_from_range(min(number, 0.0), max(number, 0.0), target.activation_scheme())
    return found


def numbers(node: Node) -> dict[str, float]:
    """The operands of a layer that are numbers, by role: constant activations where it is quantized."""
    given = {role: node.attributes.get(role) for role in OPERATORS[node.type].operands}
    return {role: float(value) for role, value in given.items() if isinstance(value, int | float)}


def _with_live_scales(params: QuantParams, array: NDArray[Any]) -> QuantParams:
    """The same parameters, with a scale of the other channels for channels whose weights are all zero.

    Any scale represents zeros. It also sets the step of the channel's bias, for which the 1 of an empty range
    would be far too coarse.
    """
    is_dead = reduce(np.abs(array), params.granularity, np.maximum) == 0
    if not is_dead.any() or is_dead.all():
        return params
    scale = np.where(is_dead, params.scale[~is_dead].max(), params.scale).astype(np.float32)
    return replace(params, scale=scale)

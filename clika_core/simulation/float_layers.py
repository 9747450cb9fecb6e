"""Float layers that the runtime computes in another order than a framework does.

Nearly all float layers are the framework's own, and differ from a runtime's in the last place. Where a layer reads
codes, all places with one code give one value: if that lies near a tie of the codes behind it, they turn together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.ir.graph import Node
from clika_core.planning.plan import Plan
from clika_core.simulation.interpolation import has_order, interpolated
from clika_core.targets.target import FloatOrder, Target

Compute: TypeAlias = Callable[[LayerCall, Sequence[Array], ArrayOps], tuple[Array, ...]]


def float_orders(plan: Plan, target: Target) -> Mapping[str, FloatOrder]:
    """The order of each float layer for which the target names one, and that can be computed so."""
    nodes = (plan.graph[name] for name in plan.skipped if plan.graph[name].type in target.float_orders)
    orders = ((node, target.float_orders[node.type]) for node in nodes)
    return {node.name: order for node, order in orders if _HAS[order](node)}


def compute_float(
    order: FloatOrder, call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps
) -> tuple[Array, ...]:
    """What `call.run(inputs)` gives but for the last place: in the runtime's order, bit for bit."""
    return _COMPUTE[order](call, inputs, arrays)


def _scale_then_shift(call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps) -> tuple[Array, ...]:
    """y = x · a + b,  a = weight · (1 / sqrt(running_var + epsilon)),  b = bias - running_mean · a; all rounded."""
    (x,) = inputs
    given = call.weights
    weight, bias, mean = given.get("weight"), given.get("bias"), given["running_mean"]
    factor = arrays.inverse_root(given["running_var"] + call.node.attributes.get("epsilon", 1e-5))
    factor = factor if weight is None else factor * weight
    shift = -mean * factor if bias is None else arrays.multiply_then_add(-mean, factor, bias)
    rank = len(x.shape)
    axis = call.node.attributes.get("axis", 1)
    assert isinstance(axis, int)
    spread = (slice(None), *[None] * (rank - 1 - axis % rank))
    return (arrays.multiply_then_add(x, factor[spread], shift[spread]),)


def _has_statistics(node: Node) -> bool:
    return len(node.inputs) == 1 and node.outputs[0].dtype == "float32"


def _four_neighbours(call: LayerCall, inputs: Sequence[Array], arrays: ArrayOps) -> tuple[Array, ...]:
    return (interpolated(call.node, inputs[0], arrays),)


_COMPUTE: Mapping[FloatOrder, Compute] = {
    FloatOrder.SCALE_THEN_SHIFT: _scale_then_shift,
    FloatOrder.FOUR_NEIGHBOURS: _four_neighbours,
}

_HAS: Mapping[FloatOrder, Callable[[Node], bool]] = {
    FloatOrder.SCALE_THEN_SHIFT: _has_statistics,
    FloatOrder.FOUR_NEIGHBOURS: has_order,
}

"""What one quantized layer computes with: everything known before a value arrives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import Graph, Node
from clika_core.ir.operators import OPERATORS
from clika_core.numerics import QuantParams, quantize, requantize_multiplier
from clika_core.planning.decision import Group
from clika_core.planning.wiring import Wiring
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.named import INT32
from clika_core.simulation.fixed_point import shifts_of
from clika_core.simulation.parameters import Parameters
from clika_core.simulation.points import BOUNDS, PROBABILITIES
from clika_core.targets.target import Arithmetic, Target

EXACT_LIMIT = 2.0**24  # integers up to here are exact in float32, in any order of summation


@dataclass(frozen=True, slots=True)
class Half:
    """What rounds the sums on one side of zero; codes of the other side are 0."""

    params: QuantParams
    multiplier: NDArray[np.float32]


@dataclass(frozen=True)
class LayerSpec:
    """The head of a quantized group with its parameters.

    `inputs` stand beside the node's input ports (None: an index, or no floating point), `outputs` beside the
    output ports of the group's end: None also where sums leave as reals, being multiplied by the scale of `sums`.
    `clamp` holds the bounds, in centred codes, that fused activations add.
    `multiplier` (accumulating layers) is float32, a scalar or a vector along `channel_axis` of the output; one in
    fixed point has `shifts`, and `lanes` as the kernel has. Attention has `scores_scale`, the product of the scales
    of queries and keys, and the parameters of its `probabilities`; a gate has those of its sigmoid; a slope has a
    multiplier for codes below zero.
    Sums that leave as reals may be rounded in `halves` by port, above and below zero, each to codes of its own.
    What `is_exact` gives the runtime's codes; the other is quicker, and may round the other way near a tie.
    """

    node: Node
    arithmetic: Arithmetic
    inputs: tuple[QuantParams | None, ...]
    weights: Mapping[str, QuantParams]
    outputs: tuple[QuantParams | None, ...]
    clamp: tuple[float, float] | None = None
    multiplier: NDArray[np.float32] | None = None
    bias_divisor: NDArray[np.float32] | None = None
    channel_axis: int | None = None
    sums: QuantParams | None = None
    accumulate_dtype: str = "float32"
    scores_scale: NDArray[np.float32] | None = None
    probabilities: QuantParams | None = None
    is_exact: bool = True
    gate: QuantParams | None = None
    shifts: NDArray[np.int32] | None = None
    lanes: int | None = None
    slope_multiplier: NDArray[np.float32] | None = None
    slope_shifts: NDArray[np.int32] | None = None
    halves: Mapping[int, Half] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def operands(self) -> dict[str, QuantParams]:
        """The parameters of the operands that arrive as codes, by role."""
        ports = zip(self.node.inputs, self.inputs, strict=True)
        return {**{port.role: params for port, params in ports if params is not None}, **self.weights}

    @property
    def quick(self) -> LayerSpec:
        """The spec with sums in float32, where no exact codes are needed: sums in float64 take twice as long.

        A sum beyond 2**24 is off by parts in 10**7, which changes a code where it was about to round the other way.
        """
        return replace(self, accumulate_dtype="float32", is_exact=False)


def layer_spec(
    wiring: Wiring,
    group: Group,
    target: Target,
    parameters: Parameters,
    weights: Mapping[str, NDArray[np.float32]],
) -> LayerSpec:
    """The spec of a quantized group; `weights` are the head's arrays, after preprocessing."""
    graph = wiring.graph
    head, end = graph[group.head], graph[group.end]
    sources = iter(wiring.sources[graph.index[head.name]])
    data = set(wiring.data_ports(head))
    inputs = tuple(parameters.activations[next(sources)] if port in data else None for port in head.inputs)
    outputs = tuple(
        parameters.activations.get((end.name, port)) if value.is_float else None
        for port, value in enumerate(end.outputs)
    )
    own = {role: p for (name, role), p in parameters.weights.items() if name == head.name}
    arithmetic = target.arithmetic(head)
    plain = LayerSpec(head, arithmetic, inputs, own, outputs, _clamp(graph, group, outputs[0]))
    if arithmetic is Arithmetic.ACCUMULATE:
        return _in_halves(_accumulating(graph, plain, weights, target.kernels[head.type].lanes), parameters)
    if arithmetic is Arithmetic.GATE:
        return _gating(plain, target)
    if arithmetic is Arithmetic.SLOPE:
        return _sloping(plain)
    return _attending(graph, plain, parameters) if arithmetic is Arithmetic.ATTEND else plain


def _accumulating(
    graph: Graph, spec: LayerSpec, weights: Mapping[str, NDArray[np.float32]], lanes: int | None
) -> LayerSpec:
    """The spec with multiplier, bias divisor and the dtype in which its sums are exact."""
    output = spec.outputs[0]
    first, second = _factors(spec)
    product = np.asarray(first.scale * second.scale, np.float32)
    axis = channel_axis(spec.node)
    return replace(
        spec,
        multiplier=None if output is None else requantize_multiplier(first, second, output),
        shifts=None if lanes is None or output is None else _shifts(product, output),
        lanes=lanes,
        bias_divisor=product,
        channel_axis=axis if product.ndim else None,
        sums=_sums(product, axis) if output is None else None,
        accumulate_dtype="float32" if _largest_sum(graph, spec, weights) < EXACT_LIMIT else "float64",
    )


def _in_halves(spec: LayerSpec, parameters: Parameters) -> LayerSpec:
    """The spec with the halves in which its sums are rounded, where they are and leave as reals."""
    given = {half: parameters.activations.get((spec.node.name, half)) for half in BOUNDS}
    if spec.sums is None or None in given.values():
        return spec
    return replace(spec, halves={half: _half(spec, params) for half, params in given.items() if params})


def _half(spec: LayerSpec, params: QuantParams) -> Half:
    first, second = _factors(spec)
    return Half(params, requantize_multiplier(first, second, params))


def _sums(scale: NDArray[np.float32], axis: int) -> QuantParams:
    """What takes sums of codes to reals."""
    granularity = PerChannel(axis) if scale.ndim else PerTensor()
    return QuantParams(scale, np.zeros(scale.shape, np.int32), INT32, granularity)


def _shifts(product: NDArray[np.float32], output: QuantParams) -> NDArray[np.int32]:
    return shifts_of(product.astype(np.float64) / np.float64(output.scale))


def _factors(spec: LayerSpec) -> Sequence[QuantParams]:
    """The parameters of the two operands whose codes are multiplied."""
    return [*(params for params in spec.inputs if params is not None), *spec.weights.values()][:2]


def _largest_sum(graph: Graph, spec: LayerSpec, weights: Mapping[str, NDArray[np.float32]]) -> float:
    """The largest magnitude that any partial sum of codes can have, for the worst input."""
    lows_highs = [code_bounds(params) for params in spec.inputs if params is not None]
    if spec.node.type == "mul":
        return _largest_product(*_factors(spec))
    weight_role = next(iter(spec.weights), None)
    if weight_role is None:
        size = graph.value(spec.node.inputs[0].key).shape[-1]
        return _largest_product(*_factors(spec)) * size if isinstance(size, int) else float("inf")
    low, high = lows_highs[0]
    params = spec.weights[weight_role]
    codes = quantize(weights[weight_role], params).astype(np.int32)
    summed = _summed_axes(spec.node, weight_role, codes.ndim)
    total, size = (each.sum(axis=summed, dtype=np.int64) for each in (codes, np.abs(codes)))
    positive, negative = (size + total) / 2, (total - size) / 2
    largest = np.maximum(positive * high + negative * low, -(positive * low + negative * high))
    bias = weights.get("bias")
    if bias is not None:
        largest = largest + np.abs(np.rint(bias / (spec.inputs[0].scale * params.scale)))  # type: ignore[union-attr]
    return float(np.max(largest, initial=0.0))


def _gating(spec: LayerSpec, target: Target) -> LayerSpec:
    """The spec with the parameters that the target demands of a sigmoid, and the product's multiplier."""
    (given,), output = spec.inputs, spec.outputs[0]
    assert given is not None
    assert output is not None
    scale, zero_point = target.fixed_params("sigmoid")
    scheme = target.activation_scheme()
    gate = QuantParams(np.asarray(scale), np.asarray(zero_point), scheme.format, scheme.granularity)
    return replace(spec, gate=gate, multiplier=requantize_multiplier(given, gate, output))


def _sloping(spec: LayerSpec) -> LayerSpec:
    """The spec with a multiplier for each side of zero."""
    (given,), output, slope = spec.inputs, spec.outputs[0], spec.weights["weight"]
    assert given is not None
    assert output is not None
    above = np.float64(given.scale) / np.float64(output.scale)
    below = above * np.float64(slope.scale)
    return replace(
        spec,
        multiplier=np.asarray(above, np.float32),
        shifts=shifts_of(above),
        slope_multiplier=np.asarray(below, np.float32),
        slope_shifts=shifts_of(below),
    )


def _attending(graph: Graph, spec: LayerSpec, parameters: Parameters) -> LayerSpec:
    """The spec with the parameters between the two products, and the dtype in which their sums are exact.

    The probabilities of one query sum to 1, so do their codes to 1 / scale, but for half a code of each key. A free
    number of keys counts as the example's.
    """
    output, operands = spec.outputs[0], spec.operands
    assert output is not None
    query, key, value = (operands[role] for role in ("query", "key", "value"))
    inner = parameters.activations[spec.node.name, PROBABILITIES]
    keys, width = key_sizes(graph, spec.node)
    shared = min(float(1 / inner.scale) + keys / 2, keys * code_bounds(inner)[1])
    largest = max(_largest_product(query, key) * width, shared * float(np.max(np.abs(code_bounds(value)))))
    return replace(
        spec,
        scores_scale=np.asarray(query.scale * key.scale),
        probabilities=inner,
        multiplier=requantize_multiplier(inner, value, output),
        accumulate_dtype="float32" if largest < EXACT_LIMIT else "float64",
    )


def key_sizes(graph: Graph, node: Node) -> tuple[int, int]:
    """How many keys there are, and their width."""
    held = node.weight("key")
    ports = (port for port in node.inputs if port.role == "key")
    shape = held.shape if held is not None else graph.value(next(ports).key).example_shape
    return shape[-2], shape[-1]


def _largest_product(first: QuantParams, second: QuantParams) -> float:
    """The largest magnitude that a product of two centred codes can have."""
    return float(prod(max(-low, high) for low, high in map(code_bounds, (first, second))))


def _summed_axes(node: Node, role: str, rank: int) -> tuple[int, ...]:
    """The axes of a weight that one output sums over: all but the output channels, of a product the inner one."""
    if node.type == "matmul":
        return (max(rank - 2, 0) if role == "other" else rank - 1,)
    channels = node.attributes.get("weight_output_axis", 0)
    return tuple(axis for axis in range(rank) if axis != channels)


def code_bounds(params: QuantParams) -> tuple[float, float]:
    """The smallest and largest centred code."""
    zero = float(params.zero_point)
    return params.format.quant_min - zero, params.format.quant_max - zero


def fused_bounds(graph: Graph, group: Group) -> tuple[float | None, float | None]:
    """The real bounds that the fused members put on the group's output; None where there is none."""
    least: float | None = None
    most: float | None = None
    for member in group.members[1:]:
        bounds = OPERATORS[graph[member].type].bounds
        assert bounds is not None, f"{member} is fused but is no clamp"
        low, high = bounds(graph[member].attributes)
        least = max((bound for bound in (least, low) if bound is not None), default=None)
        most = min((bound for bound in (most, high) if bound is not None), default=None)
    return least, most


def _clamp(graph: Graph, group: Group, output: QuantParams | None) -> tuple[float, float] | None:
    """The bounds that the fused members put on centred codes, or None where saturation does it."""
    if output is None or len(group.members) == 1:
        return None
    saturated = low, high = code_bounds(output)
    least, most = fused_bounds(graph, group)
    low = low if least is None else max(low, float(np.rint(np.float32(least) / output.scale)))
    high = high if most is None else min(high, float(np.rint(np.float32(most) / output.scale)))
    return None if (low, high) == saturated else (low, high)

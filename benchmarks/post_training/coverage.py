"""Which multiplications of a quantized graph read codes on both sides, counted alike for every tool's kind of graph.

A tool's graph is given as steps in the order in which they run. What carries codes: what a rounding step makes, and
what steps that only move or select values make of it. Layers are multiplications by constants; the others, such as
the two of attention, are products of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx
    import torch

ROUNDING = frozenset(
    "DequantizeLinear dequantize_per_tensor dequantize_per_channel symmetric_quantize asymmetric_quantize".split()
)
"""Steps behind which a value is one of 256: their first input is what they round."""
MOVING = frozenset(
    "MaxPool Reshape Transpose Flatten Squeeze Unsqueeze Identity Split Slice Concat Expand Pad Relu Clip "
    "max_pool2d permute flatten view reshape transpose t squeeze unsqueeze contiguous expand clone dropout cat pad "
    "relu relu_ relu6 hardtanh hardtanh_ constant_pad_nd __getitem__ getitem".split()
)
"""Steps that choose among the values they read, so that codes stay codes."""
MULTIPLYING = frozenset("Conv Gemm MatMul conv2d linear addmm matmul bmm __matmul__".split())
OTHER = frozenset(
    "PRelu Add ReduceMean AveragePool GlobalAveragePool prelu add add_ __add__ __iadd__ mean avg_pool2d "
    "adaptive_avg_pool2d".split()
)
"""Activations, sums and means that a tool may leave in float between layers in int8. Sums are of two values."""
SUMMING = frozenset("Add add add_ __add__ __iadd__".split())
ATTENTION = "scaled_dot_product_attention"
"""Two products; the second reads probabilities that no tool can round within one operator."""


@dataclass(frozen=True)
class Step:
    """One operator of a graph: the values it reads, in order, and those it makes; `kind` is empty for constants."""

    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True)
class Coverage:
    """How many read codes on both sides, and how many there are."""

    layers: tuple[int, int]
    products: tuple[int, int]
    others: tuple[int, int]


def coverage(steps: Iterable[Step]) -> Coverage:
    """Count the multiplications of a graph."""
    constant: set[str] = set()
    rounded: set[str] = set()
    layers: list[bool] = []
    products: list[bool] = []
    others: list[bool] = []
    for step in steps:
        values = [name for name in step.inputs if name not in constant]
        if step.kind in MULTIPLYING:
            both = step.inputs[:2]
            kind = layers if constant.intersection(both) else products
            kind.append(rounded.issuperset(both))
        elif step.kind == ATTENTION:
            products += [rounded.issuperset(step.inputs[:2]), False]
        elif step.kind in OTHER and len(values) > (step.kind in SUMMING):
            others.append(rounded.issuperset(values))
        if not values:
            constant.update(step.outputs)
        moves = step.kind in MOVING and rounded.issuperset(values or step.inputs[:1])
        if step.kind in ROUNDING or moves:
            rounded.update(step.outputs)
    return Coverage(*((sum(kind), len(kind)) for kind in (layers, products, others)))


def steps_of_onnx(graph: onnx.GraphProto) -> Iterator[Step]:
    """The nodes of an ONNX graph."""
    yield from (Step("", (), (tensor.name,)) for tensor in graph.initializer)
    for node in graph.node:
        yield Step(node.op_type, tuple(filter(None, node.input)), tuple(node.output))


def steps_of_export(graph: torch.fx.Graph) -> Iterator[Step]:
    """The nodes of a program of torch.export: `aten.conv2d.default` is a `conv2d`."""
    for node in graph.nodes:
        if node.op == "get_attr":
            yield Step("", (), (node.name,))
        elif node.op == "call_function":
            name = getattr(node.target, "__name__", str(node.target)).partition(".")[0]
            yield Step(name, tuple(read.name for read in node.all_input_nodes), (node.name,))


def steps_of_nncf(graph: Any) -> Iterator[Step]:
    """The nodes of an NNCFGraph, inputs in the order of their ports."""
    for node in graph.topological_sort():
        if node.node_type == "nncf_model_const":
            yield Step("", (), (node.node_name,))
        elif node.node_type != "nncf_model_input":
            edges = sorted(graph.get_input_edges(node), key=lambda edge: edge.input_port_id)
            yield Step(node.node_type, tuple(edge.from_node.node_name for edge in edges), (node.node_name,))

"""What is said against writing a graph as ONNX before any data is read: types and dtypes without a place there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clika_core.deployment.lowerings import lowering_of
from clika_core.errors import OutputError
from clika_core.ir.graph import Graph
from clika_core.ir.operators import is_weighted
from clika_core.ir.removals import removals

_HALF: Final = ("float16", "bfloat16")


def check_writable(graph: Graph) -> None:
    """Raise OutputError naming the layer, the weight or the input that an ONNX file cannot hold.

    Weights of quantizable layers are float32: codes come from float32 sums. What only the attributes of a layer
    decide is found when it is written.
    """
    for name, dtype, reason in _unfit(graph):
        raise OutputError(
            f"a model in {reason} cannot be written to ONNX",
            found=f"{name!r} in {dtype}",
            expected="inputs and weights in float32",
            fix="make the model and its data float32 before tracing: model.float() in PyTorch, the dtype policy "
            "float32 in Keras, dtype and param_dtype float32 in Flax",
        )
    removed = removals(graph)
    for node in graph.layers:
        if node.name not in removed:
            lowering_of(node)


def _unfit(graph: Graph) -> Iterator[tuple[str, str, str]]:
    """Weights and inputs whose dtype does not fit: name, dtype, and what one calls a model of it."""
    for node in graph.layers:
        for weight in node.weights:
            if weight.dtype in _HALF:
                yield weight.identity, weight.dtype, "half precision"
            elif weight.dtype == "float64" and is_weighted(node):
                yield weight.identity, weight.dtype, "double precision"
    for node in graph.inputs:
        if node.outputs[0].dtype in _HALF:
            yield node.name, node.outputs[0].dtype, "half precision"

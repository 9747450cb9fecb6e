"""From the graph that torch.export gives to one that only computes: inlined, functional, one form per layer.

inline_contexts     `with torch.no_grad():` and disabled autocasts are part of the graph around them
make_functional     `relu_(x)` becomes `relu(x)`, and what read `x` afterwards reads the result
without_empty_parts `cat([empty, x])` is `x`: `empty` has no element along that axis, or is `torch.tensor([])`
addmm_to_linear     `addmm(bias, x, weight)` is a linear layer with the transposed weight
"""

from __future__ import annotations

import operator
from typing import Any, Final

import torch
from torch import fx
from torch.export import ExportedProgram

_CONTEXTS: Final = {
    "wrap_with_set_grad_enabled": 1,  # (enabled, body, *operands)
    "wrap_with_autocast": 4,  # (device, dtype, enabled, cache_enabled, body, *operands)
}


def inline_contexts(module: fx.GraphModule) -> None:
    """Put the bodies of contexts that change no numbers into the graph of `module`, in place."""
    for node in list(module.graph.nodes):
        position = _CONTEXTS.get(getattr(node.target, "__name__", "")) if node.op == "call_function" else None
        if position is None or (position == 4 and node.args[2]):
            continue
        place = node.args[position]
        body = getattr(module, place.target)
        inline_contexts(body)
        _inline(module.graph, node, body.graph, node.args[position + 1 :])
        module.graph.erase_node(place)


def _inline(graph: fx.Graph, node: fx.Node, body: fx.Graph, operands: tuple[fx.Node, ...]) -> None:
    """Replace a call of `body`, whose results are read one by one, by its operations."""
    parameters = [inner for inner in body.nodes if inner.op == "placeholder"]
    values: dict[fx.Node, Any] = dict(zip(parameters, operands, strict=True))
    with graph.inserting_before(node):
        results = graph.graph_copy(body, values)
    assert isinstance(results, tuple | list)
    for reader in list(node.users):
        position = reader.args[1]
        assert reader.target is operator.getitem
        assert isinstance(position, int)
        reader.replace_all_uses_with(results[position])
        graph.erase_node(reader)
    graph.erase_node(node)


def without_empty_parts(program: ExportedProgram) -> None:
    """Leave out of every concatenation what has no element: caches of transformers begin as `torch.tensor([])`."""
    graph = program.graph
    for node in list(graph.nodes):
        if node.target is not torch.ops.aten.cat.default:
            continue
        axis = node.args[1] if len(node.args) > 1 else 0
        parts = [
            part for part in node.args[0] if not _is_passed_over(part.meta["val"], node.meta["val"], axis)
        ]
        if len(parts) == 1 and parts[0].meta["val"].dtype == node.meta["val"].dtype:
            node.replace_all_uses_with(parts[0])
            graph.erase_node(node)
        elif parts:
            node.args = (parts, *node.args[1:])


def _is_passed_over(part: torch.Tensor, whole: torch.Tensor, axis: int) -> bool:
    if part.dim() == whole.dim():
        return bool(whole.dim()) and isinstance(part.shape[axis], int) and part.shape[axis] == 0
    return part.dim() == 1 and part.shape[0] == 0


def addmm_to_linear(program: ExportedProgram) -> None:
    """Say `addmm` with a parameter as second matrix as `linear`, so that its weight is [out, in] everywhere."""
    graph = program.graph
    for node in list(graph.nodes):
        if node.target is not torch.ops.aten.addmm.default or node.kwargs:
            continue
        bias, x, weight = node.args
        if weight.op != "placeholder" or weight.name in program.graph_signature.user_inputs:
            continue
        with graph.inserting_before(node):
            transposed = graph.call_function(torch.ops.aten.t.default, (weight,))
        transposed.meta = {**node.meta, "val": weight.meta["val"].t()}
        node.target, node.args = torch.ops.aten.linear.default, (x, transposed, bias)

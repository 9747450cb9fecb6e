"""From the graph that torch.export gives to one that only computes: inlined, functional, one form per layer.

inline_contexts     `with torch.no_grad():` and disabled autocasts are part of the graph around them
make_functional     `relu_(x)` becomes `relu(x)`, and what read `x` afterwards reads the result
addmm_to_linear     `addmm(bias, x, weight)` is a linear layer with the transposed weight
"""

from __future__ import annotations

import operator
from typing import Any, Final

import torch
from torch import fx
from torch._ops import OpOverload
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


def make_functional(graph: fx.Graph) -> bool:
    """Replace operations that write in place, in place; False, and nothing changed, where a view shares the write.

    What is written is a value, and perhaps other values with the same memory. Where none of those is read after
    the write, the value's later readers can read the result of the plain operation instead.
    """
    order = {node: position for position, node in enumerate(graph.nodes)}
    writes = [node for node in graph.nodes if _is_write(node)]
    twins = [_plain_twin(node.target) for node in writes]
    sharers = _by_memory(graph) if writes else {}
    if any(twin is None for twin in twins) or any(_is_shared(node, order, sharers) for node in writes):
        return False
    for node, twin in zip(writes, twins, strict=True):
        assert twin is not None
        node.target = twin
        _read_instead(
            _written(node), node, [user for user in _written(node).users if order[user] > order[node]]
        )
    return True


def _read_instead(value: fx.Node, other: fx.Node, readers: list[fx.Node]) -> None:
    for reader in readers:
        reader.replace_input_with(value, other)


def _is_write(node: fx.Node) -> bool:
    return isinstance(node.target, OpOverload) and node.target._schema.is_mutable


def _written(node: fx.Node) -> fx.Node:
    """The first argument, which operations in place write."""
    written = node.args[0]
    assert isinstance(written, fx.Node)
    return written


def _plain_twin(target: Any) -> OpOverload | None:
    """`aten.relu.default` for `aten.relu_.default`; None where there is no such operation."""
    name, _, overload = target._schema.name.rpartition("::")[2], "", target._overloadname
    packet = getattr(torch.ops.aten, name.removesuffix("_"), None) if name.endswith("_") else None
    twin = getattr(packet, overload, None)
    if twin is None or twin._schema.is_mutable:
        return None
    plain, own = ([argument.name for argument in t._schema.arguments] for t in (twin, target))
    return twin if plain == own else None


def _is_shared(node: fx.Node, order: dict[fx.Node, int], sharers: dict[int, list[fx.Node]]) -> bool:
    """Whether memory that `node` writes is read later through another value than the one written."""
    written = node.args[0]
    if not isinstance(written, fx.Node):
        return True
    return any(
        order[reader] > order[node]
        for other in sharers[_memory(written)]
        if other is not written and order[other] < order[node]
        for reader in other.users
    )


def _by_memory(graph: fx.Graph) -> dict[int, list[fx.Node]]:
    """The tensors of the trace by the memory they live in."""
    found: dict[int, list[fx.Node]] = {}
    for node in graph.nodes:
        if isinstance(node.meta.get("val"), torch.Tensor):
            found.setdefault(_memory(node), []).append(node)
    return found


def _memory(node: fx.Node) -> int:
    memory: int = node.meta["val"].untyped_storage()._cdata
    return memory


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

"""Operations that write in place, as operations that compute: nobody's value changes under them.

    relu_(x)            becomes  y = relu(x), and what read x afterwards reads y
    x[:, 0].mul_(2)     becomes  y = mul(select(x, 1, 0), 2); x' = select_scatter(x, y, 1, 0), and so on upwards;
                        what read x afterwards reads x', what read another view of x reads that view of x'

What shares memory is read off the trace, where torch followed every view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import fx
from torch._ops import OpOverload

_ATEN: Final = torch.ops.aten


def make_functional(graph: fx.Graph) -> bool:
    """Replace every operation that writes in place; False where one cannot be, and the graph is of no use then."""
    for node in list(graph.nodes):
        if isinstance(node.target, OpOverload) and node.target._schema.is_mutable:
            twin = _plain_twin(node.target)
            if twin is None or not isinstance(node.args[0], fx.Node):
                return False
            node.target = twin
            if not _Write(graph, node, node.args[0]).replace_readers():
                return False
    return True


def _plain_twin(target: OpOverload) -> OpOverload | None:
    """`aten.relu.default` for `aten.relu_.default`; None where there is no such operation.

    The tensor that is written comes first and without its name, which differs: `dropout_(self)`, `dropout(input)`.
    """
    name = target._schema.name.rpartition("::")[2]
    packet = getattr(_ATEN, name.removesuffix("_"), None) if name.endswith("_") else None
    twin = getattr(packet, target._overloadname, None)
    if twin is None or twin._schema.is_mutable:
        return None
    plain, own = ([argument.name for argument in each._schema.arguments] for each in (twin, target))
    return twin if plain[1:] == own[1:] else None


class _Write:
    """One operation that wrote `written` and now computes its new value."""

    def __init__(self, graph: fx.Graph, node: fx.Node, written: fx.Node) -> None:
        self._graph, self._node = graph, node
        self._memory = _memory(written)
        self._new: dict[fx.Node, fx.Node] = {written: node}
        self._last = node
        self._written = written

    def replace_readers(self) -> bool:
        """Let every later reader of the memory read what is there after the write; False where that is unknown."""
        sharers = [node for node in self._graph.nodes if node < self._node and _memory(node) == self._memory]
        stale = {node: [reader for reader in node.users if reader > self._node] for node in sharers}
        if all(node is self._written for node, readers in stale.items() if readers):
            return self._redirect(stale)
        if not self._write_back():
            return False
        wanted = [node for node, readers in stale.items() if readers]
        return all(self._version(node) for node in wanted) and self._redirect(stale)

    def _redirect(self, stale: dict[fx.Node, list[fx.Node]]) -> bool:
        for node, readers in stale.items():
            for reader in readers:
                reader.replace_input_with(node, self._new[node])
        return True

    def _write_back(self) -> bool:
        """From the view that was written up to the tensor it is a view of: the new value of each."""
        view = self._written
        while (whole := self._viewed(view)) is not None:
            inverse = _INVERSES.get(view.target)
            if inverse is None:
                return False
            target, arguments = inverse(whole, self._new[view], view.args[1:])
            self._new[whole] = self._insert(target, arguments, whole)
            view = whole
        return True

    def _version(self, node: fx.Node) -> bool:
        """Make sure of the new value of a tensor that shares the memory."""
        if node in self._new:
            return True
        whole = self._viewed(node)
        if whole is None or not self._version(whole):
            return False
        self._new[node] = self._insert(node.target, (self._new[whole], *node.args[1:]), node, node.kwargs)
        return True

    def _viewed(self, node: fx.Node) -> fx.Node | None:
        """The tensor that a node is a view of."""
        first = node.args[0] if node.args else None
        if not isinstance(first, fx.Node) or not isinstance(node.target, OpOverload):
            return None
        may_be_view = any(result.alias_info is not None for result in node.target._schema.returns)
        return first if may_be_view and _memory(first) == self._memory else None

    def _insert(self, target: Any, arguments: Any, like: fx.Node, keywords: Any = None) -> fx.Node:
        """A new operation after the last one, with the facts of `like`."""
        with self._graph.inserting_after(self._last):
            self._last = self._graph.call_function(target, arguments, dict(keywords or {}))
        self._last.meta = {**self._node.meta, "val": like.meta["val"]}
        return self._last


def _memory(node: fx.Node) -> int | None:
    """Which memory a tensor of the trace lives in; None for what is no tensor."""
    value = node.meta.get("val")
    return value.untyped_storage()._cdata if isinstance(value, torch.Tensor) else None


_Inverse = Callable[[fx.Node, fx.Node, tuple[Any, ...]], tuple[OpOverload, tuple[Any, ...]]]
"""From the whole before the write, the part after it, and the view's other arguments: a call for the whole after."""


def _scatter(target: OpOverload) -> _Inverse:
    """The whole with a part replaced; where the part is stands in the view's arguments."""
    return lambda whole, part, rest: (target, (whole, part, *rest))


def _unpermute(axes: Sequence[int]) -> list[int]:
    """The permutation that undoes one."""
    forward = [axis % len(axes) for axis in axes]
    return [forward.index(axis) for axis in range(len(axes))]


_RESHAPES = (
    *(_ATEN.view.default, _ATEN.reshape.default, _ATEN._unsafe_view.default, _ATEN.flatten.using_ints),
    *(_ATEN.unsqueeze.default, _ATEN.squeeze.default, _ATEN.squeeze.dim, _ATEN.squeeze.dims),
    *(_ATEN.unflatten.int, _ATEN.view_as.default, _ATEN.contiguous.default, _ATEN.alias.default),
    *(_ATEN.detach.default, _ATEN.to.dtype, _ATEN.reshape_as.default),
)

_INVERSES: Final[dict[Any, _Inverse]] = {
    _ATEN.slice.Tensor: _scatter(_ATEN.slice_scatter.default),
    _ATEN.select.int: _scatter(_ATEN.select_scatter.default),
    _ATEN.transpose.int: lambda _, part, rest: (_ATEN.transpose.int, (part, *rest)),
    _ATEN.permute.default: lambda _, part, rest: (_ATEN.permute.default, (part, _unpermute(rest[0]))),
    **dict.fromkeys(_RESHAPES, lambda whole, part, _: (_ATEN.reshape_as.default, (part, whole))),
}

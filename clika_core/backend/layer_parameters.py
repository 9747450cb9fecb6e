"""`LayerParameters`: one layer's parametric operands as NumPy arrays, to read and to replace."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import GraphError
from clika_core.ir.graph import Node, Weight
from clika_core.ir.recording import Ref


class FollowsSizeError(GraphError):
    """An operand whose values follow a size that is free to change; `values` are those for an example."""

    def __init__(self, values: NDArray[Any], weight: Weight, node: Node) -> None:
        """Name the operand and the layer."""
        super().__init__(
            f"operand {weight.role!r} of layer {node.name!r} follows a size that is free to change",
            found=f"shape {list(values.shape)}",
            expected="the same values along every free axis",
            fix="trace with that size fixed",
        )
        self.values = values


def of_every_size(held: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Those of a layer's operands whose values no size changes. The others are made anew, and nothing stores them."""
    found: dict[str, NDArray[Any]] = {}
    for role in held:
        with suppress(FollowsSizeError):
            found[role] = held[role]
    return found


class LayerParameters(ABC, MutableMapping[str, NDArray[Any]]):
    """Reads give copies. What is assigned holds for this layer of this traced model: ties to other layers end.

    An operand that is an expression of parameters reads as its value; assignment replaces the expression.
    Assigning a role that the layer has a place for (`bias`) adds it; deleting a role leaves the operand out.
    Raises KeyError for a role that is not there, GraphError for one that cannot be, or for another shape.
    """

    def __init__(self, node: Node, traced: Mapping[str, Ref], places: Collection[str]) -> None:
        """`traced` are the operands that the trace found, `places` all roles for which there is a place."""
        self._node, self._traced = node, traced
        taken = {port.role for port in node.inputs}
        self._vacant = [role for role in places if role not in taken and role not in traced]

    @abstractmethod
    def added(self) -> Mapping[str, Any]:
        """What replaces operands of the layer, by role; None for one that is left out."""

    @abstractmethod
    def own(self, ref: Ref) -> Any:
        """An operand as traced, a native array."""

    @abstractmethod
    def replace(self, role: str, array: NDArray[Any] | None, like: Any | None) -> None:
        """Put `array` in the operand's place, in the dtype of `like`, or of the layer's output without it."""

    @abstractmethod
    def to_numpy(self, array: Any) -> NDArray[Any]:
        """A NumPy copy."""

    def __getitem__(self, role: str) -> NDArray[Any]:
        """A copy of the operand's values; bfloat16 reads as float32. Along a free size: once, if all are the same."""
        array = self.to_numpy(self._native(role))
        weight = self._node.weight(role)
        return array if weight is None or role in self.added() else _once(array, weight, self._node)

    def __setitem__(self, role: str, array: NDArray[Any]) -> None:
        """Replace the operand; the values are rounded to the dtype that it has."""
        if role not in self._traced and role not in self._vacant:
            raise GraphError(
                f"layer {self._node.name!r} has no operand {role!r}",
                found=f"type {self._node.type}",
                expected=", ".join([*self._traced, *self._vacant]) or "no parametric operand",
                fix="assign to one of these roles",
            )
        before = self.own(self._traced[role]) if role in self._traced else None
        weight = self._node.weight(role)
        if before is not None and weight is not None and tuple(before.shape) != weight.shape:
            raise GraphError(
                f"operand {role!r} of layer {self._node.name!r} is made anew for every batch size",
                expected="a parameter of the model",
                fix="replace it in the model",
            )
        if before is not None and tuple(array.shape) != tuple(before.shape):
            raise GraphError(
                f"operand {role!r} of layer {self._node.name!r} has another shape",
                found=str(list(array.shape)),
                expected=str(list(before.shape)),
                fix="assign an array of the operand's shape",
            )
        self.replace(role, array, before)

    def __delitem__(self, role: str) -> None:
        """Leave the operand out."""
        self._native(role)
        self.replace(role, None, None)

    def __iter__(self) -> Iterator[str]:
        """The roles that are there."""
        added = self.added()
        return (role for role in {**self._traced, **added} if added.get(role, role) is not None)

    def __len__(self) -> int:
        """How many roles are there."""
        return sum(1 for _ in self)

    def _native(self, role: str) -> Any:
        added = self.added()
        found = added[role] if role in added else self.own(self._traced[role])
        if found is None:
            raise KeyError(role)
        return found


def _once(array: NDArray[Any], weight: Weight, node: Node) -> NDArray[Any]:
    """`array` in the shape of the graph's weight. Raises FollowsSizeError where that is not all of it."""
    kept = tuple(
        slice(0, 1) if size == 1 and have > 1 else slice(None)
        for have, size in zip(array.shape, weight.shape, strict=True)
    )
    found = array[kept]
    if found.shape != array.shape and not np.array_equal(np.broadcast_to(found, array.shape), array):
        raise FollowsSizeError(array, weight, node)
    return found

"""`LayerParameters`: one layer's parametric operands as NumPy arrays, to read and to replace."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref, Region
from clika_torch.arrays import to_numpy
from clika_torch.interpreter import evaluate

if TYPE_CHECKING:
    from clika_torch.traced_model import TorchTracedModel


class LayerParameters(MutableMapping[str, NDArray[Any]]):
    """Reads give copies. What is assigned holds for this layer of this traced model: ties to other layers end.

    An operand that is an expression of parameters reads as its value; assignment replaces the expression.
    Assigning a role that the layer has a place for (`bias`) adds it; deleting a role leaves the operand out.
    Raises KeyError for a role that is not there, GraphError for one that cannot be, or for another shape.
    """

    def __init__(self, model: TorchTracedModel, node: Node, region: Region) -> None:
        """The parameters of the layer `node` of `model`."""
        self._model, self._node, self._region = model, node, region

    def __getitem__(self, role: str) -> NDArray[Any]:
        """A copy of the operand's values; bfloat16 reads as float32."""
        return to_numpy(self._tensor(role))

    def __setitem__(self, role: str, array: NDArray[Any]) -> None:
        """Replace the operand; the values are rounded to the dtype that it has."""
        if role not in self._region.weights and role not in self._vacant():
            raise GraphError(
                f"layer {self._node.name!r} has no operand {role!r}",
                found=f"type {self._node.type}",
                expected=", ".join([*self._region.weights, *self._vacant()]) or "no parametric operand",
                fix="assign to one of these roles",
            )
        given = torch.from_numpy(np.array(array))
        if role in self._region.weights:
            before = self._own(role)
            self._check_shape(role, tuple(given.shape), tuple(before.shape))
            given = given.to(before.dtype)
        else:
            given = given.to(getattr(torch, self._node.outputs[0].dtype))
        self._model.override(self._node.name, role, given.to(self._model.held.device))

    def __delitem__(self, role: str) -> None:
        """Leave the operand out."""
        self._tensor(role)
        self._model.override(self._node.name, role, None)

    def __iter__(self) -> Iterator[str]:
        """The roles that are there."""
        added = self._model.overrides_of(self._node.name)
        return (role for role in {**self._region.weights, **added} if added.get(role, role) is not None)

    def __len__(self) -> int:
        """How many roles are there."""
        return sum(1 for _ in self)

    def _tensor(self, role: str) -> Tensor:
        added = self._model.overrides_of(self._node.name)
        found = added[role] if role in added else self._own(role)
        if found is None:
            raise KeyError(role)
        return found

    def _own(self, role: str) -> Tensor:
        """The operand as traced; raises KeyError."""
        ref: Ref = self._region.weights[role]
        found: Tensor = evaluate(self._model.trace.program, ref, self._model.held)
        return found

    def _vacant(self) -> list[str]:
        """The roles that a single operation has a place for and no value reaches."""
        if len(self._region.operations) != 1:
            return []
        taken = {port.role for port in self._node.inputs}
        slots = self._model.trace.program.operations[self._region.operations[0]].slots
        return [role for role in slots if role not in taken and role not in self._region.weights]

    def _check_shape(self, role: str, found: tuple[int, ...], expected: tuple[int, ...]) -> None:
        if found != expected:
            raise GraphError(
                f"operand {role!r} of layer {self._node.name!r} has another shape",
                found=str(list(found)),
                expected=str(list(expected)),
                fix="assign an array of the operand's shape",
            )

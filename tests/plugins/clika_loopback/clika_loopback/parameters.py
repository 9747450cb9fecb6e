"""`LayerParameters`: a layer's parametric operands, read and written as NumPy arrays."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.operators import OPERATORS
from clika_loopback.layer_call import is_plain

if TYPE_CHECKING:
    from clika_loopback.traced_model import LoopbackTracedModel


class LayerParameters(MutableMapping[str, NDArray[Any]]):
    """Operands by role; reading copies, writing changes one layer of one traced model."""

    def __init__(self, model: LoopbackTracedModel, node: Node) -> None:
        """Of that layer."""
        self._model, self._node = model, node

    def __getitem__(self, role: str) -> NDArray[Any]:
        """A copy of an operand; raises KeyError."""
        return self._model.weights(self._node)[role].copy()

    def __setitem__(self, role: str, array: NDArray[Any]) -> None:
        """Replace an operand by one of its shape, or add one that the operation has a place for."""
        held = self._model.weights(self._node).get(role)
        if held is None and role not in self._vacant():
            raise GraphError(
                f"layer {self._node.name!r} has no operand {role!r}",
                expected=", ".join([*self, *self._vacant()]) or "no parametric operand",
            )
        if held is not None and held.shape != np.shape(array):
            raise GraphError(
                f"operand {role!r} of layer {self._node.name!r} has another shape",
                found=str(list(np.shape(array))),
                expected=str(list(held.shape)),
            )
        self._model.overrides.setdefault(self._node.name, {})[role] = np.array(array)

    def __delitem__(self, role: str) -> None:
        """Refuse: an operand is left out by running the layer without it."""
        raise GraphError(f"operand {role!r} of layer {self._node.name!r} cannot be deleted")

    def __iter__(self) -> Iterator[str]:
        """The roles that are there."""
        return iter(self._model.weights(self._node))

    def __len__(self) -> int:
        """How many roles are there."""
        return len(self._model.weights(self._node))

    def _vacant(self) -> list[str]:
        """The roles that a single operation has a place for and no value reaches."""
        operations = self._model.operations(self._node.name)
        if not is_plain(self._node, operations):
            return []
        taken = {port.role for port in self._node.inputs} | set(self)
        return [role for role in OPERATORS[operations[0].type].operands if role not in taken]

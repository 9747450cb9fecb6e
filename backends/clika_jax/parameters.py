"""`JaxParameters`: one layer's parametric operands, over arrays of JAX."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
from numpy.typing import NDArray

from clika_core.backend.layer_parameters import LayerParameters
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref, Region
from clika_jax.arrays import to_numpy
from clika_jax.interpreter import evaluate

if TYPE_CHECKING:
    from clika_jax.traced_model import JaxTracedModel


class JaxParameters(LayerParameters):
    """The operands of one layer of a traced model."""

    def __init__(self, model: JaxTracedModel, node: Node, region: Region) -> None:
        """The parameters of the layer `node` of `model`."""
        operations = model.trace.program.operations
        places = operations[region.operations[0]].slots if len(region.operations) == 1 else ()
        super().__init__(node, region.weights, places)
        self._model = model

    def added(self) -> Mapping[str, Any]:
        """What replaces operands of the layer, by role; None for one that is left out."""
        return self._model.overrides_of(self._node.name)

    def own(self, ref: Ref) -> Any:
        """An operand as traced."""
        return evaluate(self._model.trace.program, ref, self._model.held)

    def replace(self, role: str, array: NDArray[Any] | None, like: Any | None) -> None:
        """Put `array` in the operand's place, in the dtype of `like`, or of the layer's output without it."""
        if array is None:
            self._model.override(self._node.name, role, None)
            return
        dtype = self._node.outputs[0].dtype if like is None else like.dtype
        self._model.override(self._node.name, role, jnp.asarray(array, dtype))

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """A NumPy copy."""
        return to_numpy(array)

"""`TensorFlowParameters`: one layer's parametric operands, over tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from numpy.typing import NDArray

from clika_core.backend.layer_parameters import LayerParameters
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref, Region
from clika_tensorflow.example import to_numpy
from clika_tensorflow.interpreter import evaluate

if TYPE_CHECKING:
    from clika_tensorflow.traced_model import TensorFlowTracedModel


class TensorFlowParameters(LayerParameters):
    """The operands of one layer of a traced model."""

    def __init__(self, model: TensorFlowTracedModel, node: Node, region: Region) -> None:
        """The parameters of the layer `node` of `model`."""
        operations = model.trace.program.operations
        places = [role for name in region.operations for role in operations[name].slots if role == "bias"]
        if len(region.operations) == 1:
            places = list(operations[region.operations[0]].slots)
        super().__init__(node, region.weights, places if len(set(places)) == len(places) else ())
        self._model = model

    def added(self) -> Mapping[str, Any]:
        """What replaces operands of the layer, by role; None for one that is left out."""
        return self._model.overrides_of(self._node.name)

    def own(self, ref: Ref) -> Any:
        """An operand as traced; one made of sizes as for the example inputs."""
        program, held = self._model.trace.program, self._model.held
        return evaluate(program, ref, held, self._examples() if program.reads_inputs(ref) else ())

    def _examples(self) -> list[Any]:
        """Zeros in the shapes of the example inputs: their sizes are what counts."""
        values = (node.outputs[0] for node in self._model.graph.inputs)
        return [tf.zeros(value.example_shape, value.dtype) for value in values]

    def replace(self, role: str, array: NDArray[Any] | None, like: Any | None) -> None:
        """Put `array` in the operand's place, in the dtype of `like`, or of the layer's output without it."""
        given = None
        if array is not None:
            given = tf.cast(tf.constant(array), self._node.outputs[0].dtype if like is None else like.dtype)
        self._model.override(self._node.name, role, given)

    def to_numpy(self, array: Any) -> NDArray[Any]:
        """A NumPy copy."""
        return to_numpy(array)

"""`TorchParameters`: one layer's parametric operands, over tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clika_core.backend.layer_parameters import LayerParameters
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref, Region
from clika_torch.arrays import to_numpy
from clika_torch.dtypes import torch_dtype
from clika_torch.interpreter import evaluate

if TYPE_CHECKING:
    from clika_torch.traced_model import TorchTracedModel


class TorchParameters(LayerParameters):
    """The operands of one layer of a traced model."""

    def __init__(self, model: TorchTracedModel, node: Node, region: Region) -> None:
        """The parameters of the layer `node` of `model`."""
        operations = model.trace.program.operations
        places = operations[region.operations[0]].slots if len(region.operations) == 1 else ()
        super().__init__(node, region.weights, places)
        self._model = model

    def added(self) -> Mapping[str, Tensor | None]:
        """What replaces operands of the layer, by role; None for one that is left out."""
        return self._model.overrides_of(self._node.name)

    def own(self, ref: Ref) -> Tensor:
        """An operand as traced; one made of sizes as for the example inputs."""
        program, held = self._model.trace.program, self._model.held
        found: Tensor = evaluate(program, ref, held, self._examples() if program.reads_inputs(ref) else ())
        return found

    def _examples(self) -> list[Tensor]:
        """Zeros in the shapes of the example inputs: their sizes are what counts."""
        values = (node.outputs[0] for node in self._model.graph.inputs)
        return [
            torch.zeros(value.example_shape, dtype=torch_dtype(value.dtype), device=self._model.held.device)
            for value in values
        ]

    def replace(self, role: str, array: NDArray[Any] | None, like: Tensor | None) -> None:
        """Put `array` in the operand's place, in the dtype of `like`, or of the layer's output without it."""
        given: Tensor | None = None
        if array is not None:
            dtype = torch_dtype(self._node.outputs[0].dtype) if like is None else like.dtype
            given = torch.from_numpy(np.array(array)).to(dtype).to(self._model.held.device)
        self._model.override(self._node.name, role, given)

    def to_numpy(self, array: Tensor) -> NDArray[Any]:
        """A NumPy copy."""
        return to_numpy(array)

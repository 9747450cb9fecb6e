"""`TensorFlowTracedModel`: a traced TensorFlow model as the core sees it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interface import Removals, Visitor
from clika_core.backend.interpreter import LayerRole
from clika_core.backend.schedule import Schedule
from clika_core.backend.scheduled_model import ScheduledModel
from clika_tensorflow.arrays import TensorFlowArrays
from clika_tensorflow.example import as_tensors, check_tensors
from clika_tensorflow.interpreter import Held, TensorFlowInterpreter, build_result
from clika_tensorflow.operation import Operation
from clika_tensorflow.parameters import TensorFlowParameters
from clika_tensorflow.program import Trace

if TYPE_CHECKING:
    from clika_core.backend.trainable import Setup
    from clika_tensorflow.trainable import TensorFlowTrainable


class TensorFlowTracedModel(ScheduledModel[Operation]):
    """A trace with values to run it on.

    A fresh one reads the variables of the user's model; `preprocess` copies them.
    """

    def __init__(
        self,
        trace: Trace,
        held: Held,
        removed: Mapping[str, str | None] | None = None,
        *,
        schedule: Schedule[Operation] | None = None,
    ) -> None:
        """Take a trace, values to run it on, layers to pass over; a schedule where it is known already."""
        super().__init__(trace, removed, schedule)
        self.trace = trace
        self.arrays = TensorFlowArrays()
        self.held = Held(held.state, dict(held.overrides))

    def result(self, outputs: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Values beside `graph.outputs` with the structure of the model's own result."""
        return build_result(self.trace.program, outputs, self.held, inputs)

    def flatten_inputs(self, inputs: Any) -> tuple[Any, ...]:
        """Tensors beside `graph.inputs`. Raises DataError naming the input when a shape or dtype does not fit."""
        arrays = as_tensors(self.trace.example.take(inputs))
        check_tensors(arrays, self.graph.inputs)
        return tuple(arrays)

    def interpret(self, inputs: Sequence[Any], visitor: Visitor) -> tuple[Any, ...]:
        """Run the graph, each layer that is not removed through `visitor`; values beside `graph.outputs`."""
        return TensorFlowInterpreter(self.trace.program, self.schedule, self.held, inputs).run(visitor)

    def parameters(self, layer: str) -> MutableMapping[str, NDArray[Any]]:
        """The parametric operands of a layer by role; see `LayerParameters`."""
        return TensorFlowParameters(self, self.graph[layer], self.trace.regions[layer])

    def preprocess(self, removals: Removals) -> TensorFlowTracedModel:
        """A copy with own tensors that passes over the removed layers; the graph stays the traced one."""
        return TensorFlowTracedModel(self.trace, self.held.copy(), {**self.removed, **removals.into})

    def native(self, program: NativeProgram, learned: Mapping[str, NDArray[np.float32]] | None = None) -> Any:
        """A model with own, trainable variables that computes the graph's outputs by `program`.

        `learned` are scales that it trains too.
        """
        from clika_tensorflow.native_model import native_model  # it makes traced models itself

        return native_model(self, program, learned)

    def trainable(self, setup: Setup) -> TensorFlowTrainable:
        """The native model of `setup.program` with an optimizer."""
        from clika_tensorflow.trainable import TensorFlowTrainable

        return TensorFlowTrainable(self, setup)

    @property
    def overrides(self) -> dict[LayerRole, Any]:
        """What replaces operands, by layer and role."""
        return self.held.overrides

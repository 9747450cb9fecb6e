"""`TorchTracedModel`: a traced PyTorch model as the core sees it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interface import Removals, Visitor
from clika_core.backend.interpreter import LayerRole
from clika_core.backend.schedule import Schedule
from clika_core.backend.scheduled_model import ScheduledModel
from clika_core.errors import ModelError
from clika_torch.arrays import TorchArrays
from clika_torch.inputs import as_tensors, fitting_tensors
from clika_torch.interpreter import Held, TorchInterpreter, build_result
from clika_torch.operation import Operation
from clika_torch.parameters import TorchParameters
from clika_torch.trace import Trace

if TYPE_CHECKING:
    from clika_core.backend.trainable import Setup, StoredProgram
    from clika_torch.native_model import NativeModel
    from clika_torch.trainable import TorchTrainable


class TorchTracedModel(ScheduledModel[Operation]):
    """A trace with tensors to run it on.

    A fresh one shares the tensors of the user's model and only reads them; `preprocess` copies them. Runs are
    without gradients, except over the parameters of a native model.
    """

    def __init__(
        self,
        trace: Trace,
        held: Held,
        removed: Mapping[str, str | None] | None = None,
        *,
        schedule: Schedule[Operation] | None = None,
        is_trained: bool = False,
    ) -> None:
        """Take a trace, tensors to run it on, layers to pass over; a schedule where it is known already."""
        super().__init__(trace, removed, schedule)
        self.trace = trace
        self.arrays = TorchArrays()
        self.held = Held(held.state, dict(held.overrides), held.device)
        self._is_trained = is_trained

    def result(self, outputs: Sequence[Tensor], inputs: Sequence[Tensor]) -> Any:
        """Values beside `graph.outputs` with the structure of the model's own result."""
        return build_result(self.trace.program, outputs, self.held, inputs)

    def flatten_inputs(self, inputs: Any) -> tuple[Tensor, ...]:
        """Tensors beside `graph.inputs`, on the model's device; NumPy arrays share their memory where they can.

        Raises DataError naming the input when a shape or dtype does not fit.
        """
        arrays = as_tensors(self.trace.layout.take(inputs), self.held.device)
        return tuple(fitting_tensors(arrays, self.graph.inputs))

    def native_inputs(self, arrays: Sequence[NDArray[Any]]) -> tuple[Tensor, ...]:
        """NumPy arrays as tensors on the model's device."""
        return tuple(as_tensors(arrays, self.held.device))

    def interpret(self, inputs: Sequence[Any], visitor: Visitor) -> tuple[Any, ...]:
        """Run the graph, each layer that is not removed through `visitor`; values beside `graph.outputs`."""
        with torch.set_grad_enabled(self._is_trained and torch.is_grad_enabled()):
            return TorchInterpreter(self.trace.program, self.schedule, self.held, inputs).run(visitor)

    def parameters(self, layer: str) -> MutableMapping[str, NDArray[Any]]:
        """The parametric operands of a layer by role; see `TorchParameters`."""
        return TorchParameters(self, self.graph[layer], self.trace.regions[layer])

    def preprocess(self, removals: Removals) -> TorchTracedModel:
        """A copy with own tensors that passes over the removed layers; the graph stays the traced one.

        Raises ModelError for a model on the meta device.
        """
        bare = next((name for name, tensor in self.held.state.items() if tensor.is_meta), None)
        if bare is not None:
            raise ModelError(
                "a model on the meta device has no weights to quantize",
                found=f"{self.trace.program.state[bare].name!r} on the meta device",
                fix="load its weights on a real device; without them it can be traced, planned, explained and drawn",
            )
        return TorchTracedModel(self.trace, self.held.copy(), {**self.removed, **removals.into})

    def native(
        self, program: NativeProgram, learned: Mapping[str, NDArray[np.float32]] | None = None
    ) -> NativeModel:
        """A module with own, trainable parameters that computes the graph's outputs by `program`.

        `learned` are scales that it trains too.
        """
        from clika_torch.native_model import NativeModel  # it makes traced models itself

        return NativeModel(self, program, learned)

    def trainable(self, setup: Setup) -> TorchTrainable:
        """The native model of `setup.program` with an optimizer."""
        from clika_torch.trainable import TorchTrainable

        return TorchTrainable(self, setup)

    def stored(self) -> StoredProgram:
        """The trace and its tensors as data. Raises ModelError naming what is none."""
        from clika_torch.stored_program import stored_program

        return stored_program(self)

    @property
    def overrides(self) -> dict[LayerRole, Any]:
        """What replaces operands, by layer and role."""
        return self.held.overrides

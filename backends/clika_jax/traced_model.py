"""`JaxTracedModel`: a traced model of JAX as the core sees it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interface import Removals, Visitor
from clika_core.backend.interpreter import LayerRole
from clika_core.backend.schedule import Schedule
from clika_core.backend.scheduled_model import ScheduledModel
from clika_jax.arrays import JaxArrays
from clika_jax.inputs import as_arrays
from clika_jax.interpreter import Held, JaxInterpreter, build_result
from clika_jax.operation import Operation
from clika_jax.parameters import JaxParameters
from clika_jax.trace import Trace

if TYPE_CHECKING:
    from clika_core.backend.trainable import Setup
    from clika_jax.native_model import NativeModel
    from clika_jax.trainable import JaxTrainable


class JaxTracedModel(ScheduledModel[Operation]):
    """A trace with arrays to run it on; works on concrete and on traced values alike."""

    def __init__(
        self,
        trace: Trace,
        held: Held,
        removed: Mapping[str, str | None] | None = None,
        *,
        schedule: Schedule[Operation] | None = None,
    ) -> None:
        """Take a trace, arrays to run it on, layers to pass over; a schedule where it is known already."""
        super().__init__(trace, removed, schedule)
        self.trace = trace
        self.arrays = JaxArrays()
        self.held = held.copy()

    def result(self, outputs: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """Values beside `graph.outputs` with the structure of the model's own result."""
        return build_result(self.trace.program, outputs, self.trace.batch(inputs))

    def flatten_inputs(self, inputs: Any) -> tuple[Any, ...]:
        """Arrays beside `graph.inputs`. Raises DataError naming the input when a shape or dtype does not fit."""
        return tuple(as_arrays(self.trace.layout.take(inputs), self.graph.inputs))

    def interpret(self, inputs: Sequence[Any], visitor: Visitor) -> tuple[Any, ...]:
        """Run the graph, each layer that is not removed through `visitor`; values beside `graph.outputs`."""
        trace = self.trace
        batch = trace.batch(inputs)
        return JaxInterpreter(trace.program, self.schedule, self.held, inputs, batch).run(visitor)

    def parameters(self, layer: str) -> MutableMapping[str, NDArray[Any]]:
        """The parametric operands of a layer by role; see `LayerParameters`."""
        return JaxParameters(self, self.graph[layer], self.trace.regions[layer])

    def preprocess(self, removals: Removals) -> JaxTracedModel:
        """A copy with own replacements that passes over the removed layers; the graph stays the traced one."""
        return JaxTracedModel(self.trace, self.held, {**self.removed, **removals.into})

    def native(
        self, program: NativeProgram, learned: Mapping[str, NDArray[Any]] | None = None
    ) -> NativeModel:
        """A function with parameters of its own that computes the graph's outputs by `program`.

        Ranges of the program's are parameters beside them, held fixed; `learned` are ranges that are trained.
        """
        from clika_jax.native_model import native_model  # it makes traced models itself

        return native_model(self, program, learned)

    def trainable(self, setup: Setup) -> JaxTrainable:
        """The native model of `setup.program` with an optimizer."""
        from clika_jax.trainable import JaxTrainable

        return JaxTrainable(self, setup)

    @property
    def overrides(self) -> dict[LayerRole, Any]:
        """What replaces operands, by layer and role."""
        return self.held.overrides

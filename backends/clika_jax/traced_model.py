"""`JaxTracedModel`: a traced model of JAX as the core sees it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interface import Removals, TracedModel, Visitor
from clika_core.backend.interpreter import run_natively
from clika_core.backend.schedule import Schedule, make_schedule
from clika_jax.arrays import JaxArrays
from clika_jax.inputs import as_arrays
from clika_jax.interpreter import Held, JaxInterpreter, build_result
from clika_jax.operation import Operation
from clika_jax.parameters import JaxParameters
from clika_jax.trace import Trace

if TYPE_CHECKING:
    from clika_jax.native_model import NativeModel


class JaxTracedModel(TracedModel):
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
        self.trace = trace
        self.graph = trace.graph
        self.arrays = JaxArrays()
        self.removed = dict(removed or {})
        self.held = held.copy()
        self._schedule = schedule

    def run(self, inputs: Any) -> Any:
        """The model's own result, with its own structure, for `inputs` as the model takes them."""
        arrays = self.flatten_inputs(inputs)
        return self.result(self.interpret(arrays, run_natively), arrays)

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

    def native(self, program: NativeProgram) -> NativeModel:
        """A function with parameters of its own that computes the graph's outputs by `program`."""
        from clika_jax.native_model import native_model  # it makes traced models itself

        return native_model(self, program)

    def override(self, layer: str, role: str, array: Any | None) -> None:
        """Replace an operand of one layer; None leaves it out."""
        self.held.overrides[layer, role] = array
        self._schedule = None

    def overrides_of(self, layer: str) -> dict[str, Any]:
        """What replaces operands of one layer, by role."""
        return {role: array for (name, role), array in self.held.overrides.items() if name == layer}

    @property
    def schedule(self) -> Schedule[Operation]:
        """How the layers that are left run; made when it is first needed after a change."""
        if self._schedule is None:
            trace = self.trace
            self._schedule = make_schedule(
                trace.program, trace.graph, trace.regions, self.removed, self.held.overrides
            )
        return self._schedule

"""The simulation with float layers computed in float64: what float32 alone does to a quantized model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall
from clika_core.ir.graph import Value
from clika_core.pipeline.quantization import Quantized
from clika_core.simulation.visitor import SimulatingVisitor


def run_with_exact_floats(quantized: Quantized, batch: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
    """Outputs as `run_simulation` gives them, every float layer computed in float64 and rounded to float32 once.

    Two float32 kernels that sum in different orders differ as much as either does from this. Where the value lies
    near a tie of the codes that it is rounded to, the code turns, and what follows with it.
    """
    model = quantized.model
    visitor = _ExactFloats(quantized.simulation, model.arrays)
    outputs = visitor.finish(model.interpret(list(model.native_inputs(batch)), visitor))
    return [np.asarray(model.arrays.to_numpy(value)) for value in outputs]


class _ExactFloats(SimulatingVisitor):
    def __call__(self, call: LayerCall) -> Sequence[Array]:
        name = call.node.name
        if name in self._simulation.specs or name in self._simulation.members:
            return super().__call__(call)
        given = [self._graph.value(port.key) for port in call.node.inputs]
        return self._cast(
            "float32", call.run(self._cast("float64", self._reals(call), given)), call.node.outputs
        )

    def _cast(self, dtype: str, arrays: Sequence[Array], values: Sequence[Value]) -> tuple[Array, ...]:
        """What is float32 in the trace in `dtype`."""
        pairs = zip(arrays, values, strict=True)
        return tuple(self._arrays.cast(a, dtype) if value.dtype == "float32" else a for a, value in pairs)

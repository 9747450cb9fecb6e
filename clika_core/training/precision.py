"""Mixed precision: float layers that multiply and accumulate compute in half precision, everything else in float32.

Integer layers stay exact: their sums need more digits than half precision has. Values between layers, norms, losses
and gradients of weights are float32.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from clika_core.backend.interface import Array, ArrayOps, LayerCall
from clika_core.backend.wrapped_call import WrappedCall
from clika_core.ir.graph import Graph, Node
from clika_core.ir.operators import OPERATORS

Visit = Callable[[LayerCall], Sequence[Array]]


@dataclass(frozen=True)
class HalfPrecision:
    """Runs layers of `graph` in `dtype` where they multiply and accumulate; those in `exact` never."""

    graph: Graph
    arrays: ArrayOps
    dtype: str
    exact: Collection[str]

    def __call__(self, visit: Visit) -> Visit:
        """The visitor, shown layers that compute in half precision when it runs them."""
        return lambda call: visit(_HalfCall(call, self) if self._is_half(call.node) else call)

    def _is_half(self, node: Node) -> bool:
        entry = OPERATORS.get(node.type)
        return node.name not in self.exact and entry is not None and entry.multiply_accumulates is not None


class _HalfCall(WrappedCall):
    """A layer about to run in half precision; its own operands are in float32."""

    def __init__(self, call: LayerCall, precision: HalfPrecision) -> None:
        super().__init__(call)
        self._precision = precision

    def run(
        self, inputs: Sequence[Array] | None = None, weights: Mapping[str, Array] | None = None
    ) -> tuple[Array, ...]:
        """Round what goes in, compute, and give float32."""
        graph, cast, dtype = self._precision.graph, self._precision.arrays.cast, self._precision.dtype
        given = self.inputs if inputs is None else inputs
        held = {**self.weights, **(weights or {})}
        outputs = super().run(
            [
                cast(value, dtype) if graph.value(port.key).is_float else value
                for port, value in zip(self.node.inputs, given, strict=True)
            ],
            {role: None if value is None else cast(value, dtype) for role, value in held.items()},
        )
        return tuple(
            cast(value, "float32") if port.is_float else value
            for port, value in zip(self.node.outputs, outputs, strict=True)
        )

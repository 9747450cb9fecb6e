"""`LoopbackLayerCall`: one layer about to run, as a visitor sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.operators import OPERATORS
from clika_core.ir.recording import Ref, Region
from clika_loopback.kernels import compute
from clika_loopback.model import Operation

Array = NDArray[Any]


def is_plain(node: Node, operations: Sequence[Operation]) -> bool:
    """Whether a layer is one operation under its own name: its operands have the layer's roles."""
    return len(operations) == 1 and not node.body


@dataclass(frozen=True, eq=False)
class LoopbackLayerCall:
    """`inputs` and `weights` as they arrived; `outside` finds every other value that the layer's operations read."""

    node: Node
    inputs: tuple[Array, ...]
    weights: Mapping[str, Array]
    region: Region
    operations: Sequence[Operation]
    outside: Callable[[Ref], Array]

    def run(
        self, inputs: Sequence[Array] | None = None, weights: Mapping[str, Array | None] | None = None
    ) -> tuple[Array, ...]:
        """Compute the layer, with other inputs or weights where given; a weight of None is left out.

        Raises GraphError for a role that the layer has no place for.
        """
        given = tuple(self.inputs if inputs is None else inputs)
        held = {role: w for role, w in {**self.weights, **(weights or {})}.items() if w is not None}
        if is_plain(self.node, self.operations):
            return self._run_single(self.operations[0], given, held)
        return self._run_region(given, held)

    def _run_single(
        self, operation: Operation, inputs: tuple[Array, ...], weights: Mapping[str, Array]
    ) -> tuple[Array, ...]:
        """One operation: an array read in two roles may be given as two."""
        known = {*OPERATORS[operation.type].operands, *(role for role, _ in operation.operands)}
        self._refuse([role for role in weights if role not in known])
        operands = {port.role: array for port, array in zip(self.node.inputs, inputs, strict=True)}
        ordered = {**operands, **weights}
        return compute(operation.type, ordered, operation.attributes)

    def _run_region(self, inputs: tuple[Array, ...], weights: Mapping[str, Array]) -> tuple[Array, ...]:
        """Several operations, or (a constant) none."""
        self._refuse([role for role in weights if role not in self.region.weights])
        values = dict(zip(self.region.inputs, inputs, strict=True))
        values.update((self.region.weights[role], array) for role, array in weights.items())
        for operation in self.operations:
            operands = {
                role: values[ref] if ref in values else self.outside(ref) for role, ref in operation.operands
            }
            results = compute(operation.type, operands, operation.attributes)
            values.update((Ref(operation.id, port), result) for port, result in enumerate(results))
        return tuple(values[ref] for ref in self.region.outputs)

    def _refuse(self, unknown: Sequence[str]) -> None:
        if unknown:
            raise GraphError(
                f"layer {self.node.name!r} has no operand {unknown[0]!r}",
                found=f"type {self.node.type}",
                expected=", ".join(self.region.weights) or "no parametric operand",
                fix="give weights by the roles in node.weights",
            )

"""`TensorFlowLayerCall`: one layer about to run, as a visitor sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import tensorflow as tf

from clika_core.backend.schedule import Step
from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref
from clika_tensorflow.dtypes import dtype_name, is_float, widest
from clika_tensorflow.operation import Operation


class TensorFlowLayerCall:
    """`inputs` and `weights` as they arrived; `run` computes the layer on these or on others."""

    def __init__(
        self,
        step: Step[Operation],
        inputs: tuple[Any, ...],
        weights: Mapping[str, Any],
        outside: Callable[[Ref], Any],
    ) -> None:
        """`outside` finds every other value that the layer's operations read. A weight of None is left out."""
        self._step, self._inputs, self._weights, self._outside = step, inputs, weights, outside

    @property
    def node(self) -> Node:
        """The layer."""
        return self._step.node

    @property
    def inputs(self) -> tuple[Any, ...]:
        """The values of the node's input ports, as the visitor left them at their producers."""
        return self._inputs

    @property
    def weights(self) -> Mapping[str, Any]:
        """The parametric operands by role."""
        return {role: weight for role, weight in self._weights.items() if weight is not None}

    def run(
        self, inputs: Sequence[Any] | None = None, weights: Mapping[str, Any] | None = None
    ) -> tuple[Any, ...]:
        """Compute the layer natively, with other inputs or other weights where given.

        Runs in the floating dtype of what is given: constants, conversions and the other operands follow.
        Raises GraphError for a role that the layer has no place for.
        """
        given = self._inputs if inputs is None else tuple(inputs)
        held = self._weights if weights is None else {**self._weights, **weights}
        dtype = widest([*given, *held.values()]) if self._is_converted(given, held) else None
        return self._compute(
            [_cast(x, dtype) for x in given], {role: _cast(w, dtype) for role, w in held.items()}, dtype
        )

    def _compute(
        self, inputs: Sequence[Any], weights: Mapping[str, Any], dtype: str | None
    ) -> tuple[Any, ...]:
        region = self._step.region
        local: dict[Ref, Any] = dict(zip(region.inputs, inputs, strict=True))
        local.update((ref, weights[role]) for role, ref in region.weights.items() if role in weights)
        placed = self._placed(inputs, weights)

        def lookup(ref: Ref) -> Any:
            return local[ref] if ref in local else _cast(self._outside(ref), dtype)

        for operation in self._step.body:
            left_out = [ref for ref in operation.reads if ref in local and local[ref] is None]
            if left_out and operation.id not in placed:
                local[Ref(operation.id)] = _what_is_left(operation, left_out, lookup)
            else:
                local.update(operation.call(lookup, dtype, placed.get(operation.id)))
        return tuple(map(lookup, region.outputs))

    def _placed(self, inputs: Sequence[Any], weights: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Operands that go into a place of an operation: by operation, by role.

        All of them where the layer is one operation, since a value read twice may be given as two; else those that
        the trace did not find (`bias`), where the operation that has their place is the only one.
        """
        only = self._step.only_operation
        found: dict[str, dict[str, Any]] = {}
        if only is not None:
            roles = {port.role: value for port, value in zip(self.node.inputs, inputs, strict=True)}
            found[only.id] = {role: v for role, v in {**roles, **weights}.items() if role in only.slots}
        for role in (role for role in weights if role not in self._step.region.weights):
            places = [operation for operation in self._step.body if role in operation.slots]
            if len(places) != 1:
                self._refuse([role])
            found.setdefault(places[0].id, {})[role] = weights[role]
        return found

    def _refuse(self, roles: Iterable[str]) -> None:
        for role in roles:
            raise GraphError(
                f"layer {self.node.name!r} has no operand {role!r}",
                found=f"type {self.node.type}",
                expected=", ".join(self._step.region.weights) or "no parametric operand",
                fix="give weights by the roles in node.weights",
            )

    def _is_converted(self, inputs: Sequence[Any], weights: Mapping[str, Any]) -> bool:
        """Whether something floating has another dtype than in the trace: then everything floating follows."""
        traced = {weight.role: weight.dtype for weight in self.node.weights}
        added = self.node.outputs[0].dtype
        pairs = (
            *zip(inputs, self._step.dtypes, strict=True),
            *((value, traced.get(role, added)) for role, value in weights.items()),
        )
        return any(is_float(value) and dtype_name(value.dtype) != expected for value, expected in pairs)


def _what_is_left(operation: Operation, left_out: Sequence[Ref], lookup: Callable[[Ref], Any]) -> Any:
    """A sum without its bias is what the bias was added to; a movement of a bias that is not there is none."""
    rest = [ref for ref in operation.reads if ref not in left_out]
    return lookup(rest[0]) if rest else None


def _cast(value: Any, dtype: str | None) -> Any:
    return tf.cast(value, dtype) if dtype is not None and is_float(value) else value

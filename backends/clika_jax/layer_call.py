"""`JaxLayerCall`: one layer about to run, as a visitor sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clika_core.backend.schedule import Step
from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref
from clika_jax.operation import Operation, common_dtype, is_float
from clika_jax.trace_facts import dtype_name

Lookup = Callable[[Ref], Any]


class JaxLayerCall:
    """`inputs` and `weights` as they arrived; `run` computes the layer on these or on others."""

    def __init__(
        self,
        step: Step[Operation],
        inputs: tuple[Any, ...],
        weights: Mapping[str, Any],
        outside: Lookup,
        batch: Any,
    ) -> None:
        """`outside` finds every other value that the layer's operations read. A weight of None is left out."""
        self._step = step
        self._inputs, self._weights = inputs, weights
        self._outside, self._batch = outside, batch

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

        Runs in the floating dtype of what is given: numbers, conversions and the other operands follow.
        Raises GraphError for a role that the layer has no place for.
        """
        given = self._inputs if inputs is None else tuple(inputs)
        held = self._weights if weights is None else {**self._weights, **weights}
        if not self._is_converted(given, held):
            return self._compute(given, held, None)
        dtype = common_dtype([*given, *held.values()])
        with in_width_of(dtype):
            cast = [_cast(value, dtype) for value in given]
            return self._compute(cast, {role: _cast(w, dtype) for role, w in held.items()}, dtype)

    def _compute(
        self, inputs: Sequence[Any], weights: Mapping[str, Any], dtype: Any | None
    ) -> tuple[Any, ...]:
        region = self._step.region
        local: dict[Ref, Any] = dict(zip(region.inputs, inputs, strict=True))
        local.update(
            (ref, self._or_nothing(role, weights[role], dtype))
            for role, ref in region.weights.items()
            if role in weights
        )
        placed = self._placed(inputs, weights)

        def lookup(ref: Ref) -> Any:
            return local[ref] if ref in local else _cast(self._outside(ref), dtype)

        for operation in self._step.body:
            local.update(operation.call(lookup, self._batch, dtype, placed))
        return tuple(map(lookup, region.outputs))

    def _or_nothing(self, role: str, weight: Any, dtype: Any | None) -> Any:
        """The weight; zeros for a bias that is left out where its sum is an operation of its own."""
        if weight is not None or self._step.only_operation is not None:
            return weight
        held = self.node.weight(role)
        if role != "bias" or held is None:
            raise GraphError(
                f"layer {self.node.name!r} cannot do without its {role!r}", found=f"type {self.node.type}"
            )
        return jnp.zeros(held.shape, held.dtype if dtype is None else dtype)

    def _placed(self, inputs: Sequence[Any], weights: Mapping[str, Any]) -> dict[str, Any]:
        """Operands by role where the layer is one operation: a value read twice may be given as two."""
        operation = self._step.only_operation
        slots = {} if operation is None else operation.slots
        self._refuse(role for role in weights if role not in slots and role not in self._step.region.weights)
        if operation is None:
            return {}
        roles = {port.role: value for port, value in zip(self.node.inputs, inputs, strict=True)}
        return {role: value for role, value in {**roles, **weights}.items() if role in slots}

    def _refuse(self, roles: Iterable[str]) -> None:
        unknown = list(roles)
        if unknown:
            raise GraphError(
                f"layer {self.node.name!r} has no operand {unknown[0]!r}",
                found=f"type {self.node.type}",
                expected=", ".join(self._step.region.weights) or "no parametric operand",
                fix="give weights by the roles in node.weights",
            )

    def _is_converted(self, inputs: Sequence[Any], weights: Mapping[str, Any]) -> bool:
        """Whether something floating has another dtype than in the trace: then everything floating follows."""
        traced = {weight.role: weight.dtype for weight in self.node.weights}
        added = self.node.outputs[0].dtype
        return any(
            is_float(value) and dtype_name(value.dtype) != expected
            for value, expected in (
                *zip(inputs, self._step.dtypes, strict=True),
                *((value, traced.get(role, added)) for role, value in weights.items()),
            )
        )


def in_width_of(dtype: Any) -> AbstractContextManager[Any]:
    """Where float64 is asked for, JAX has to be told that it may have 64 bits."""
    context: AbstractContextManager[Any] = jax.enable_x64(True)
    return context if np.dtype(dtype) == np.float64 else nullcontext()


def _cast(value: Any, dtype: Any | None) -> Any:
    return value.astype(dtype) if dtype is not None and is_float(value) else value

"""`TorchLayerCall`: one layer about to run, as a visitor sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from clika_core.backend.schedule import Step
from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref
from clika_torch.dtypes import dtype_name, is_float
from clika_torch.operation import Operation, replace_references

Lookup = Callable[[Ref], Any]


class TorchLayerCall:
    """`inputs` and `weights` as they arrived; `run` computes the layer on these or on others."""

    def __init__(
        self,
        step: Step[Operation],
        inputs: tuple[Any, ...],
        weights: Mapping[str, Any],
        outside: Lookup,
        device: torch.device,
    ) -> None:
        """`outside` finds every other value that the layer's operations read. A weight of None is left out."""
        self._step = step
        self._inputs, self._weights = inputs, weights
        self._outside, self._device = outside, device

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
        dtype = _common_dtype([*given, *held.values()]) if self._is_converted(given, held) else None
        return self._compute(
            [_cast(x, dtype) for x in given], {r: _cast(w, dtype) for r, w in held.items()}, dtype
        )

    def _compute(
        self, inputs: Sequence[Any], weights: Mapping[str, Any], dtype: torch.dtype | None
    ) -> tuple[Any, ...]:
        region = self._step.region
        local: dict[Ref, Any] = dict(zip(region.inputs, inputs, strict=True))
        local.update((ref, weights[role]) for role, ref in region.weights.items() if role in weights)
        placed = self._placed(inputs, weights)

        def lookup(ref: Ref) -> Any:
            return local[ref] if ref in local else _cast(self._outside(ref), dtype)

        for operation in self._step.body:
            arguments = replace_references(operation.arguments, lookup)
            if placed:
                _place(arguments, operation, placed)
            store(local, operation, operation.call(adapt(arguments, self._device, dtype)))
        return tuple(map(lookup, region.outputs))

    def _placed(self, inputs: Sequence[Any], weights: Mapping[str, Any]) -> dict[str, Any]:
        """Operands by role where the layer is one operation: a value read twice may be given as two."""
        operation = self._step.only_operation
        if operation is None:
            self._refuse(role for role in weights if role not in self._step.region.weights)
            return {}
        self._refuse(
            role for role in weights if role not in operation.slots and role not in self._step.region.weights
        )
        roles = {port.role: value for port, value in zip(self.node.inputs, inputs, strict=True)}
        return {role: value for role, value in {**roles, **weights}.items() if role in operation.slots}

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


def _place(arguments: dict[str, Any], operation: Operation, placed: Mapping[str, Any]) -> None:
    """Put operands into the places of their roles."""
    for role, value in placed.items():
        slot = operation.slots[role]
        if slot.index is None:
            arguments[slot.argument] = value
        else:
            arguments[slot.argument][slot.index] = value


def store(values: dict[Ref, Any], operation: Operation, result: Any) -> None:
    """Keep the results of an operation under its references."""
    if operation.is_multiple:
        values.update((Ref(operation.id, port), part) for port, part in enumerate(result))
    else:
        values[Ref(operation.id)] = result


def adapt(arguments: dict[str, Any], device: torch.device, dtype: torch.dtype | None) -> dict[str, Any]:
    """Arguments as traced, on the device of the run, floating dtypes replaced where the run has another one."""
    return {name: _adapted(value, device, dtype) for name, value in arguments.items()}


def _adapted(value: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    if isinstance(value, torch.device):
        return device
    if isinstance(value, torch.dtype) and dtype is not None and value.is_floating_point:
        return dtype
    return value


def _cast(value: Any, dtype: torch.dtype | None) -> Any:
    return value.to(dtype) if dtype is not None and is_float(value) else value


def _common_dtype(values: Sequence[Any]) -> torch.dtype:
    floating = [value.dtype for value in values if isinstance(value, Tensor) and value.is_floating_point()]
    return reduce(torch.promote_types, floating)

"""`StepCall`: one step of a schedule, about to run, as a visitor sees it.

What a layer's operands are and where they go is decided here for every backend that runs a `Schedule`; a backend
says how one operation is computed and how its arrays are converted. What an absent bias means is settled here too:
where the layer is one operation, its place stays empty; where the bias is added by an operation of its own, it is
zeros.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, TypeAlias

from clika_core.backend.operation_table import Native
from clika_core.backend.schedule import Step
from clika_core.errors import GraphError
from clika_core.ir.graph import Node
from clika_core.ir.recording import Ref

Lookup: TypeAlias = Callable[[Ref], Any]


class StepCall(ABC, Generic[Native]):
    """`inputs` and `weights` as they arrived; `run` computes the layer on these or on others."""

    def __init__(
        self, step: Step[Native], inputs: tuple[Any, ...], weights: Mapping[str, Any], outside: Lookup
    ) -> None:
        """`outside` finds every other value that the layer's operations read. A weight of None is left out."""
        self._step, self._inputs, self._weights, self._outside = step, inputs, weights, outside

    @abstractmethod
    def compute(
        self, operation: Native, lookup: Lookup, dtype: Any | None, placed: Mapping[str, Any]
    ) -> Mapping[Ref, Any]:
        """What one operation gives, `placed` operands put into the places of their roles.

        With `dtype`, everything floating that the trace wrote down (numbers, conversions) has that dtype instead.
        """

    @abstractmethod
    def float_dtype(self, value: Any) -> str | None:
        """The dtype of a floating array in the IR's words; None for everything else."""

    @abstractmethod
    def common_dtype(self, values: Sequence[Any]) -> Any:
        """The native dtype that holds every floating array among `values`."""

    @abstractmethod
    def cast(self, value: Any, dtype: Any) -> Any:
        """A floating array in the native `dtype`; everything else as it is."""

    @abstractmethod
    def zeros(self, shape: Sequence[int], dtype: str) -> Any:
        """A native array of zeros, `dtype` in the IR's words."""

    def computing(self, dtype: Any) -> AbstractContextManager[Any]:
        """What has to hold while `dtype` is computed with."""
        return nullcontext()

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
        if not self._is_converted(given, held):
            return self._run(given, held, None)
        dtype = self.common_dtype([*given, *held.values()])
        with self.computing(dtype):
            cast = [self.cast(value, dtype) for value in given]
            return self._run(cast, {role: self.cast(weight, dtype) for role, weight in held.items()}, dtype)

    def _run(self, inputs: Sequence[Any], weights: Mapping[str, Any], dtype: Any | None) -> tuple[Any, ...]:
        region = self._step.region
        local: dict[Ref, Any] = dict(zip(region.inputs, inputs, strict=True))
        for role, ref in region.weights.items():
            if role in weights:
                local[ref] = self._present(role, weights[role], dtype)
        placed = self._placed(inputs, weights)

        def lookup(ref: Ref) -> Any:
            if ref in local:
                return local[ref]
            value = self._outside(ref)
            return value if dtype is None else self.cast(value, dtype)

        for operation in self._step.body:
            local.update(self.compute(operation, lookup, dtype, placed.get(operation.id, {})))
        return tuple(map(lookup, region.outputs))

    def _present(self, role: str, weight: Any, dtype: Any | None) -> Any:
        """The weight; zeros for a bias that is left out where an operation of its own adds it."""
        if weight is not None or self._step.only_operation is not None:
            return weight
        held = self.node.weight(role)
        if role != "bias" or held is None:
            raise GraphError(
                f"layer {self.node.name!r} cannot do without its {role!r}", found=f"type {self.node.type}"
            )
        zeros = self.zeros(held.shape, held.dtype)
        return zeros if dtype is None else self.cast(zeros, dtype)

    def _placed(self, inputs: Sequence[Any], weights: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Operands that go into a place of an operation: by operation, by role.

        All of them where the layer is one operation, since a value read twice may be given as two; else those that
        the trace did not find (`bias`), where one operation alone has their place.
        """
        only = self._step.only_operation
        found: dict[str, dict[str, Any]] = {}
        if only is not None:
            roles = {port.role: value for port, value in zip(self.node.inputs, inputs, strict=True)}
            found[only.id] = {role: v for role, v in {**roles, **weights}.items() if role in only.slots}
        for role in (role for role in weights if role not in self._step.region.weights):
            places = [operation.id for operation in self._step.body if role in operation.slots]
            if len(places) != 1:
                raise self._no_place(role)
            found.setdefault(places[0], {})[role] = weights[role]
        return found

    def _no_place(self, role: str) -> GraphError:
        return GraphError(
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
        return any(self.float_dtype(value) not in (None, expected) for value, expected in pairs)

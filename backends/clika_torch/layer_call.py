"""`TorchLayerCall`: one layer about to run, as a visitor sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

import torch
from torch import Tensor

from clika_core.backend.schedule import Step
from clika_core.backend.step_call import Lookup, StepCall
from clika_core.ir.recording import Ref
from clika_torch.dtypes import dtype_name, is_float, torch_dtype
from clika_torch.operation import Operation, replace_references


class TorchLayerCall(StepCall[Operation]):
    """A layer on the tensors of one device."""

    def __init__(
        self,
        step: Step[Operation],
        inputs: tuple[Any, ...],
        weights: Mapping[str, Any],
        outside: Lookup,
        device: torch.device,
    ) -> None:
        """`outside` finds every other value that the layer's operations read. A weight of None is left out."""
        super().__init__(step, inputs, weights, outside)
        self._device = device

    def compute(
        self, operation: Operation, lookup: Lookup, dtype: torch.dtype | None, placed: Mapping[str, Any]
    ) -> dict[Ref, Any]:
        """What one operation gives, `placed` operands put into the places of their roles."""
        arguments = replace_references(operation.arguments, lookup)
        for role, value in placed.items():
            slot = operation.slots[role]
            if slot.index is None:
                arguments[slot.argument] = value
            else:
                arguments[slot.argument][slot.index] = value
        return results(operation, operation.call(adapt(arguments, self._device, dtype)))

    def float_dtype(self, value: Any) -> str | None:
        """The dtype of a floating tensor in the IR's words; None for everything else."""
        return dtype_name(value.dtype) if is_float(value) else None

    def common_dtype(self, values: Sequence[Any]) -> torch.dtype:
        """The dtype that holds every floating tensor among `values`."""
        floating = [
            value.dtype for value in values if isinstance(value, Tensor) and value.is_floating_point()
        ]
        return reduce(torch.promote_types, floating)

    def cast(self, value: Any, dtype: torch.dtype) -> Any:
        """A floating tensor in `dtype`; everything else as it is."""
        return value.to(dtype) if is_float(value) else value

    def zeros(self, shape: Sequence[int], dtype: str) -> Tensor:
        """A tensor of zeros on the device of the run."""
        return torch.zeros(tuple(shape), dtype=torch_dtype(dtype), device=self._device)


def results(operation: Operation, result: Any) -> dict[Ref, Any]:
    """The results of an operation by their references."""
    if operation.is_multiple:
        return {Ref(operation.id, port): part for port, part in enumerate(result)}
    return {Ref(operation.id): result}


def adapt(arguments: dict[str, Any], device: torch.device, dtype: torch.dtype | None) -> dict[str, Any]:
    """Arguments as traced, on the device of the run, floating dtypes replaced where the run has another one."""
    return {name: _adapted(value, device, dtype) for name, value in arguments.items()}


def _adapted(value: Any, device: torch.device, dtype: torch.dtype | None) -> Any:
    if isinstance(value, torch.device):
        return device
    if isinstance(value, torch.dtype) and dtype is not None and value.is_floating_point:
        return dtype
    return value

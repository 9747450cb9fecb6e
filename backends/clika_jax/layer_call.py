"""`JaxLayerCall`: one layer about to run, as a visitor sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clika_core.backend.schedule import Step
from clika_core.backend.step_call import Lookup, StepCall
from clika_core.ir.recording import Ref
from clika_jax.operation import Operation, common_dtype, is_float
from clika_jax.trace_facts import dtype_name


class JaxLayerCall(StepCall[Operation]):
    """A layer on arrays of JAX, concrete or traced."""

    def __init__(
        self,
        step: Step[Operation],
        inputs: tuple[Any, ...],
        weights: Mapping[str, Any],
        outside: Lookup,
        batch: Any,
    ) -> None:
        """As `StepCall`; `batch` is put in wherever a size depends on it."""
        super().__init__(step, inputs, weights, outside)
        self._batch = batch

    def compute(
        self, operation: Operation, lookup: Lookup, dtype: Any | None, placed: Mapping[str, Any]
    ) -> dict[Ref, Any]:
        """What one operation gives, `placed` operands put into the places of their roles."""
        return operation.call(lookup, self._batch, dtype, placed)

    def float_dtype(self, value: Any) -> str | None:
        """The dtype of a floating array in the IR's words; None for everything else."""
        return dtype_name(value.dtype) if is_float(value) else None

    def common_dtype(self, values: Sequence[Any]) -> Any:
        """The dtype that holds every floating array among `values`."""
        return common_dtype(values)

    def cast(self, value: Any, dtype: Any) -> Any:
        """A floating array in `dtype`; everything else as it is."""
        return value.astype(dtype) if is_float(value) else value

    def zeros(self, shape: Sequence[int], dtype: str) -> Any:
        """An array of zeros."""
        return jnp.zeros(tuple(shape), dtype)

    def computing(self, dtype: Any) -> AbstractContextManager[Any]:
        """Where float64 is asked for, JAX has to be told that it may have 64 bits."""
        context: AbstractContextManager[Any] = jax.enable_x64(True)
        return context if np.dtype(dtype) == np.float64 else nullcontext()

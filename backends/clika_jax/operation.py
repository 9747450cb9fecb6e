"""`Operation`: one native call of a trace. Numbers that depend on the batch are filled in when it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from clika_core.ir.recording import Ref
from clika_jax.flat import Number, Operand
from clika_jax.loops.iterations import Iterations
from clika_jax.sizes import has_size, resolve


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """`function(*operands, **settings)`. An operand is a reference, a number, or None where none is given.

    `slots` say at which position each operand of the neutral record stands, those that are left out included.
    `is_multiple` says that the call returns several values: port k is the k-th; else port 0 is the value.
    `iterations` are those of unrolled loops around it.
    """

    id: str
    function: Callable[..., Any]
    operands: tuple[Operand | None, ...]
    settings: Mapping[str, Any]
    slots: Mapping[str, int]
    is_multiple: bool = False
    depends_on_batch: bool = False
    iterations: Iterations = ()

    @property
    def reads(self) -> Iterator[Ref]:
        """Every reference among the operands, in order."""
        return (operand for operand in self.operands if isinstance(operand, Ref))

    def call(
        self,
        lookup: Callable[[Ref], Any],
        batch: Any,
        dtype: Any | None = None,
        placed: Mapping[str, Any] | None = None,
    ) -> dict[Ref, Any]:
        """The results by reference.

        `placed` gives operands by role. With `dtype` everything floating that the trace wrote down (numbers,
        conversions) has that dtype instead.
        """
        operands = [self._operand(operand, lookup, batch, dtype) for operand in self.operands]
        for role, value in (placed or {}).items():
            operands[self.slots[role]] = value
        settings = resolve(self.settings, batch) if self.depends_on_batch else self.settings
        settings = (
            settings if dtype is None else {key: _adapted(value, dtype) for key, value in settings.items()}
        )
        result = self.function(*operands, **settings)
        return store(self, result)

    def _operand(self, operand: Operand | None, lookup: Callable[[Ref], Any], batch: Any, dtype: Any) -> Any:
        if operand is None:
            return None
        if isinstance(operand, Ref):
            return lookup(operand)
        wanted = dtype if dtype is not None and is_float_dtype(operand.dtype) else operand.dtype
        return np.asarray(resolve(operand.value, batch), wanted)


def make_operation(
    name: str,
    function: Callable[..., Any],
    operands: Mapping[str, Operand | None],
    settings: Mapping[str, Any],
    *,
    is_multiple: bool = False,
    iterations: Iterations = (),
) -> Operation:
    """The operation whose operands stand in the order of their roles."""
    values = tuple(operands.values())
    sized = has_size(settings) or any(isinstance(v, Number) and has_size(v.value) for v in values)
    slots = {role: position for position, role in enumerate(operands)}
    return Operation(name, function, values, settings, slots, is_multiple, sized, iterations)


def store(operation: Operation, result: Any) -> dict[Ref, Any]:
    """The results of an operation under its references."""
    if operation.is_multiple:
        return {Ref(operation.id, port): part for port, part in enumerate(result)}
    return {Ref(operation.id): result}


def is_float_dtype(dtype: Any) -> bool:
    """Whether elements are floating point, bfloat16 included."""
    return isinstance(dtype, np.dtype) and bool(jnp.issubdtype(dtype, jnp.floating))


def is_float(value: Any) -> bool:
    """Whether `value` is an array of floating point."""
    return hasattr(value, "dtype") and is_float_dtype(value.dtype)


def _adapted(value: Any, dtype: Any) -> Any:
    is_dtype = isinstance(value, np.dtype | type) or value in (jnp.bfloat16,)
    return dtype if is_dtype and value is not None and is_float_dtype(_as_dtype(value)) else value


def _as_dtype(value: Any) -> Any:
    try:
        return np.dtype(value)
    except TypeError:
        return value


def common_dtype(values: Sequence[Any]) -> Any:
    """The dtype that all floating-point arrays among `values` fit."""
    floating = [np.dtype(value.dtype) for value in values if is_float(value)]
    wide = np.dtype(np.float64)
    return wide if wide in floating else jax.numpy.result_type(*floating)

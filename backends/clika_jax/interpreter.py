"""Running a schedule over arrays, and evaluating what stands outside of layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np

from clika_core.backend.interface import Visitor
from clika_core.backend.interpreter import Interpreter, LayerRole
from clika_core.backend.schedule import Schedule, Step
from clika_core.ir.recording import Ref
from clika_jax.layer_call import JaxLayerCall
from clika_jax.loops.iterations import marked, next_run
from clika_jax.operation import Operation
from clika_jax.program import TracedProgram
from clika_jax.sizes import resolve

_SAMPLES: Final = 3
"""A batch that shows how an array follows its size: 0, 1, 2 counts, 0, 0, 0 repeats."""


@dataclass(frozen=True, slots=True)
class Held:
    """The arrays of one model: state by id, and what replaces a layer's own operand (None: it is left out)."""

    state: Mapping[str, Any]
    overrides: dict[LayerRole, Any]

    def copy(self) -> Held:
        """The same arrays, which never change, with replacements of its own."""
        return Held(self.state, dict(self.overrides))


class JaxInterpreter(Interpreter[Operation]):
    """One run of a schedule; `batch` is put in wherever a size depends on it."""

    def __init__(
        self,
        program: TracedProgram,
        schedule: Schedule[Operation],
        held: Held,
        inputs: Sequence[Any],
        batch: Any,
    ) -> None:
        """`inputs` stand beside the graph's input nodes."""
        named = dict(zip(program.inputs, inputs, strict=True))
        super().__init__(schedule, held.state, held.overrides, named)
        self._batch = batch
        self._run = next_run()

    def call(
        self, step: Step[Operation], inputs: tuple[Any, ...], weights: Mapping[str, Any]
    ) -> JaxLayerCall:
        """The layer about to run."""
        return JaxLayerCall(step, inputs, weights, self.value, self._batch)

    def results(self, operation: Operation) -> Mapping[Ref, Any]:
        """What an operation outside all layers gives."""
        with marked(self._run, operation.iterations):
            return operation.call(self.value, self._batch)

    def visit(self, step: Step[Operation], visitor: Visitor) -> None:
        """One layer, in the iteration that its last operation is of."""
        with marked(self._run, step.body[-1].iterations if step.body else ()):
            super().visit(step, visitor)


def evaluate(program: TracedProgram, ref: Ref, held: Held) -> Any:
    """A value that depends on parameters alone, or on sizes: then as it is for `_SAMPLES`."""
    values: dict[Ref, Any] = {}

    def lookup(wanted: Ref) -> Any:
        return values[wanted] if wanted in values else jnp.asarray(held.state[wanted.record])

    for operation in program.needed([ref], values.__contains__):
        values.update(operation.call(lookup, _SAMPLES))
    return lookup(ref)


def build_result(program: TracedProgram, outputs: Sequence[Any], batch: Any) -> Any:
    """The model's own result, with its own structure, from the values beside the graph's outputs."""
    waiting = iter(outputs)
    leaves = [next(waiting) if fixed is None else _filled(fixed, batch) for fixed in program.results]
    return jax.tree_util.tree_unflatten(program.result, leaves)


def _filled(number: Any, batch: Any) -> Any:
    """A result that the trace found to be a number."""
    value = np.asarray(resolve(number.value, batch), number.dtype)
    return jnp.full(resolve(number.shape, batch), value, number.dtype)

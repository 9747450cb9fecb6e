"""Running a schedule on tensors, and values that are none of a layer's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from clika_core.backend.interpreter import Interpreter, LayerRole
from clika_core.backend.schedule import Schedule, Step
from clika_core.ir.recording import Ref
from clika_tensorflow.layer_call import TensorFlowLayerCall
from clika_tensorflow.operation import Operation
from clika_tensorflow.program import TracedProgram


@dataclass(frozen=True, slots=True)
class Held:
    """The values of one model: state by id, and what replaces a layer's own operand (None: it is left out)."""

    state: Mapping[str, Any]
    overrides: dict[LayerRole, Any]

    def copy(self) -> Held:
        """Tensors of their own, which no training of the user's model changes."""
        state = {name: tf.identity(value) for name, value in self.state.items()}
        return Held(state, dict(self.overrides))


class TensorFlowInterpreter(Interpreter[Operation]):
    """One run of a schedule on tensors."""

    def __init__(
        self, program: TracedProgram, schedule: Schedule[Operation], held: Held, inputs: Sequence[Any]
    ) -> None:
        """`inputs` stand beside the graph's input nodes."""
        named = dict(zip(program.inputs, inputs, strict=True))
        super().__init__(schedule, read(held.state, schedule.state), held.overrides, named)

    def call(
        self, step: Step[Operation], inputs: tuple[Any, ...], weights: Mapping[str, Any]
    ) -> TensorFlowLayerCall:
        """The layer about to run."""
        return TensorFlowLayerCall(step, inputs, weights, self.value)

    def results(self, operation: Operation) -> Mapping[Ref, Any]:
        """What an operation outside all layers gives."""
        return operation.call(self.value)


def read(state: Mapping[str, Any], names: Any) -> dict[str, Any]:
    """Tensors of variables and constants: a variable is read once for each run."""
    return {name: tf.convert_to_tensor(state[name]) for name in names}


def evaluate(program: TracedProgram, ref: Ref, held: Held, inputs: Sequence[Any] = ()) -> Any:
    """A value that is none of a layer's: an expression of parameters, or a size of the inputs."""
    values: dict[Ref, Any] = {Ref(name): value for name, value in zip(program.inputs, inputs, strict=False)}

    def lookup(wanted: Ref) -> Any:
        return values[wanted] if wanted in values else tf.convert_to_tensor(held.state[wanted.record])

    for operation in program.needed([ref], values.__contains__):
        values.update(operation.call(lookup))
    return lookup(ref)


def build_result(program: TracedProgram, outputs: Sequence[Any], held: Held, inputs: Sequence[Any]) -> Any:
    """The model's own result, with its own structure, from the values beside the graph's outputs."""
    waiting = iter(outputs)
    leaves = [
        next(waiting) if result is None else evaluate(program, result, held, inputs)
        for result in program.results
    ]
    return program.result.build(leaves)

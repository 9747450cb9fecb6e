"""Running a schedule: every layer through a visitor, the rest natively, no value kept longer than it is read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from clika_core.backend.interpreter import Interpreter, LayerRole
from clika_core.backend.schedule import Schedule, Step
from clika_core.ir.recording import Ref
from clika_torch.layer_call import TorchLayerCall, adapt, results
from clika_torch.operation import Operation, replace_references
from clika_torch.program import TracedProgram


@dataclass(frozen=True, slots=True)
class Held:
    """The tensors of one model: state by id, and what replaces a layer's own operand (None: it is left out)."""

    state: Mapping[str, Tensor]
    overrides: dict[LayerRole, Tensor | None]
    device: torch.device

    def copy(self) -> Held:
        """Tensors of their own; those that were one tensor stay one."""
        copies = {id(tensor): tensor.detach().clone() for tensor in self.state.values()}
        state = {name: copies[id(tensor)] for name, tensor in self.state.items()}
        overrides = {
            key: None if held is None else held.detach().clone() for key, held in self.overrides.items()
        }
        return Held(state, overrides, self.device)


class TorchInterpreter(Interpreter[Operation]):
    """One run of a schedule on tensors."""

    def __init__(
        self, program: TracedProgram, schedule: Schedule[Operation], held: Held, inputs: Sequence[Any]
    ) -> None:
        """`inputs` stand beside the graph's input nodes."""
        named = dict(zip(program.inputs, inputs, strict=True))
        super().__init__(schedule, held.state, held.overrides, named)
        self._device = held.device

    def call(
        self, step: Step[Operation], inputs: tuple[Any, ...], weights: Mapping[str, Any]
    ) -> TorchLayerCall:
        """The layer about to run."""
        return TorchLayerCall(step, inputs, weights, self.value, self._device)

    def results(self, operation: Operation) -> dict[Ref, Any]:
        """What an operation outside all layers gives."""
        arguments = replace_references(operation.arguments, self.value)
        return results(operation, operation.call(adapt(arguments, self._device, None)))


def evaluate(program: TracedProgram, ref: Ref, held: Held, inputs: Sequence[Any] = ()) -> Any:
    """A value that is none of a layer's: an expression of parameters, or a size of the inputs."""
    values: dict[Ref, Any] = {Ref(name): value for name, value in zip(program.inputs, inputs, strict=False)}

    def lookup(wanted: Ref) -> Any:
        return values[wanted] if wanted in values else held.state[wanted.record]

    for operation in program.needed([ref], values.__contains__):
        arguments = replace_references(operation.arguments, lookup)
        values.update(results(operation, operation.call(adapt(arguments, held.device, None))))
    return lookup(ref)


def build_result(program: TracedProgram, outputs: Sequence[Any], held: Held, inputs: Sequence[Any]) -> Any:
    """The model's own result, with its own structure, from the values beside the graph's outputs."""
    waiting = iter(outputs)
    leaves = [
        next(waiting)
        if result is None
        else evaluate(program, result, held, inputs)
        if isinstance(result, Ref)
        else result
        for result in program.results
    ]
    return program.result.build(leaves)

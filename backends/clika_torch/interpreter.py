"""Running a schedule: every layer through a visitor, the rest natively, no value kept longer than it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from clika_core.backend.interface import LayerCall, Visitor
from clika_core.ir.recording import Ref
from clika_torch.layer_call import TorchLayerCall, adapt, store
from clika_torch.operation import Operation, replace_references
from clika_torch.program import TracedProgram
from clika_torch.schedule import Schedule, Step

LayerRole = tuple[str, str]


def run_natively(call: LayerCall) -> tuple[Any, ...]:
    """The visitor that changes nothing."""
    return call.run()


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


class Interpreter:
    """One run of a schedule."""

    def __init__(self, program: TracedProgram, schedule: Schedule, held: Held, inputs: Sequence[Any]) -> None:
        """`inputs` stand beside the graph's input nodes."""
        self._schedule, self._held = schedule, held
        self._values: dict[Ref, Any] = {
            Ref(name): value for name, value in zip(program.inputs, inputs, strict=True)
        }
        self._added: dict[str, dict[str, Tensor | None]] = {}
        for (layer, role), tensor in held.overrides.items():
            self._added.setdefault(layer, {})[role] = tensor

    def run(self, visitor: Visitor) -> tuple[Any, ...]:
        """Visit every layer; the values beside the graph's output nodes."""
        for step in self._schedule.steps:
            self._help(step.helpers)
            self._visit(step, visitor)
            for ref in step.frees:
                self._values.pop(ref, None)
        return tuple(map(self._value, self._schedule.outputs))

    def _visit(self, step: Step, visitor: Visitor) -> None:
        call = TorchLayerCall(
            step, tuple(map(self._value, step.inputs)), self._weights(step), self._value, self._held.device
        )
        outputs = visitor(call)
        self._values.update(zip(step.region.outputs, outputs, strict=True))

    def _weights(self, step: Step) -> dict[str, Any]:
        """The layer's own operands, with what replaces them; None for one that is left out."""
        added = self._added.get(step.node.name, {})
        own = {role: self._value(ref) for role, ref in step.weights.items() if role not in added}
        return {**own, **added}

    def _help(self, operations: Iterable[Operation]) -> None:
        for operation in operations:
            arguments = replace_references(operation.arguments, self._value)
            store(self._values, operation, operation.call(adapt(arguments, self._held.device, None)))

    def _value(self, ref: Ref) -> Any:
        source = self._schedule.passed.get(ref, ref)
        return self._values[source] if source in self._values else self._held.state[source.record]


def evaluate(program: TracedProgram, ref: Ref, held: Held, inputs: Sequence[Any] = ()) -> Any:
    """A value that is none of a layer's: an expression of parameters, or a size of the inputs."""
    values: dict[Ref, Any] = {Ref(name): value for name, value in zip(program.inputs, inputs, strict=False)}

    def lookup(wanted: Ref) -> Any:
        return values[wanted] if wanted in values else held.state[wanted.record]

    for operation in program.needed([ref], values.__contains__):
        arguments = replace_references(operation.arguments, lookup)
        store(values, operation, operation.call(adapt(arguments, held.device, None)))
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

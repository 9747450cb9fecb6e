"""`NativeModel`: the quantized model as an `nn.Module` that trains, saves and copies like any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from clika_core.backend.interface import Program as NativeProgram
from clika_core.ir.recording import Ref
from clika_torch.inputs import as_tensors, check_fit
from clika_torch.interpreter import Held, LayerRole, build_result
from clika_torch.schedule import Schedule
from clika_torch.state_names import StateNames
from clika_torch.trace import Trace
from clika_torch.traced_model import TorchTracedModel


@dataclass(frozen=True, slots=True, eq=False)
class _Fixed:
    """What copies of a native model share: how it runs, and where each of its tensors is."""

    trace: Trace
    schedule: Schedule
    removed: Mapping[str, str | None]
    program: NativeProgram
    state: Mapping[str, str]
    overrides: Mapping[LayerRole, str | None]

    def __deepcopy__(self, memo: dict[int, Any]) -> _Fixed:
        return self


class NativeModel(nn.Module):
    """Takes and returns what the traced model does; computes the graph's outputs by a program of the core's.

    Owns copies of all tensors that a run reads, under the names that they have in the user's model; every
    floating-point parameter is trainable, tied ones stay tied. A layer's own operand that was replaced or added
    takes the name it stands for, else `<layer>.<role>`. `train()` changes no arithmetic: norms keep their
    statistics, and nothing is dropped out.
    """

    def __init__(self, model: TorchTracedModel, program: NativeProgram) -> None:
        """Copy the tensors that a run of `model` reads."""
        super().__init__()
        trace, schedule, held = model.trace, model.schedule, model.held
        names = StateNames()
        state = {
            name: self._own_state(trace, names, held, name)
            for name in trace.program.state
            if name in schedule.state
        }
        visited = {step.node.name for step in schedule.steps}
        overrides = {
            key: None if tensor is None else self._own_override(trace, names, key, tensor)
            for key, tensor in held.overrides.items()
            if key[0] in visited
        }
        self._clika = _Fixed(trace, schedule, model.removed, program, state, overrides)
        self.register_buffer("_clika_device", torch.empty(0, device=held.device), persistent=False)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the traced model's structure; raises DataError where an input does not fit."""
        fixed, trace, held = self._clika, self._clika.trace, self._held()
        leaves = trace.layout.take_arguments(trace.layout.signature.bind_call(args, kwargs))
        arrays = as_tensors(leaves, held.device)
        check_fit(arrays, trace.graph.inputs)
        own = TorchTracedModel(trace, held, fixed.removed, schedule=fixed.schedule, is_trained=True)
        return build_result(trace.program, fixed.program(own, arrays), held, arrays)

    def _held(self) -> Held:
        own: dict[str, Tensor] = dict(self.named_parameters(remove_duplicate=False))
        own.update(self.named_buffers(remove_duplicate=False))
        state = {name: own[path] for name, path in self._clika.state.items()}
        overrides = {key: None if path is None else own[path] for key, path in self._clika.overrides.items()}
        return Held(state, overrides, own["_clika_device"].device)

    def _own_state(self, trace: Trace, names: StateNames, held: Held, name: str) -> str:
        """Register a copy of a tensor of the user's model; returns where it is."""
        origin = trace.program.state[name]
        path, is_new = names.of_identity(origin.name)
        if is_new:
            copied = held.state[name].detach().clone()
            _register(self, path, _trainable(copied, origin.is_parameter), origin.is_persistent)
        return path

    def _own_override(self, trace: Trace, names: StateNames, key: LayerRole, tensor: Tensor) -> str:
        """Register a copy of an operand that replaces or joins a layer's own; returns where it is."""
        layer, role = key
        region = trace.regions[layer]
        ref = region.weights.get(role)
        path = names.claim(_wanted(trace, region.weights, layer, role))
        is_parameter = ref is None or _is_trained(trace, ref)
        _register(self, path, _trainable(tensor.detach().clone(), is_parameter), is_persistent=True)
        return path


def _wanted(trace: Trace, weights: Mapping[str, Ref], layer: str, role: str) -> str:
    """The name of the tensor that an operand stands for; beside the weight's for a role that is new."""
    state = trace.program.state
    own = weights.get(role)
    if own is not None and own.record in state:
        return state[own.record].name
    weight = weights.get("weight")
    if own is None and weight is not None and weight.record in state:
        return ".".join([*state[weight.record].name.split(".")[:-1], role])
    return f"{layer}.{role}"


def _is_trained(trace: Trace, ref: Ref) -> bool:
    """Whether a parameter of the user's model has a part in a value."""
    program = trace.program
    read = [ref, *(r for operation in program.needed([ref], lambda _: False) for r in operation.reads)]
    return any(program.state[r.record].is_parameter for r in read if r.record in program.state)


def _trainable(tensor: Tensor, is_parameter: bool) -> Tensor:
    if not is_parameter:
        return tensor
    return nn.Parameter(tensor, requires_grad=tensor.is_floating_point())


def _register(root: nn.Module, path: str, tensor: Tensor, is_persistent: bool) -> None:
    """Put a tensor at a dotted path, through plain modules made on the way."""
    *parents, leaf = path.split(".")
    module = root
    for parent in parents:
        if parent not in module._modules:
            module.add_module(parent, nn.Module())
        child = module._modules[parent]
        assert child is not None
        module = child
    if isinstance(tensor, nn.Parameter):
        module.register_parameter(leaf, tensor)
    else:
        module.register_buffer(leaf, tensor, persistent=is_persistent)

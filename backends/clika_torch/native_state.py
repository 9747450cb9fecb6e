"""Which tensors a native model owns, and under which names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from clika_core.backend.interpreter import LayerRole
from clika_core.backend.schedule import Schedule
from clika_core.ir.recording import Ref
from clika_torch.interpreter import Held
from clika_torch.operation import Operation
from clika_torch.state_names import StateNames
from clika_torch.trace import Trace


@dataclass(frozen=True, slots=True)
class OwnTensor:
    """A copy of a tensor of the traced model; parameters are `nn.Parameter`s."""

    tensor: Tensor
    is_persistent: bool


@dataclass(frozen=True, slots=True, eq=False)
class NativeState:
    """Tensors by dotted name, in the order in which layers read them, and the name of each one that a run needs."""

    tensors: Mapping[str, OwnTensor]
    state: Mapping[str, str]
    overrides: Mapping[LayerRole, str | None]


def native_state(trace: Trace, schedule: Schedule[Operation], held: Held) -> NativeState:
    """Copies of everything that a run of `schedule` reads.

    A tensor of the user's model keeps its name; a layer's own operand takes the name that it stands for where
    no other layer needs that one, else `<layer>.<role>`.
    """
    names = StateNames()
    tensors: dict[str, OwnTensor] = {}
    state: dict[str, str] = {}
    for name in (name for name in trace.program.state if name in schedule.state):
        origin = trace.program.state[name]
        path = state[name] = names.of_identity(origin.name)
        if path not in tensors:
            own = _copied(held.state[name], is_parameter=origin.is_parameter)
            tensors[path] = OwnTensor(own, origin.is_persistent)
    overrides: dict[LayerRole, str | None] = {}
    visited = {step.node.name for step in schedule.steps}
    for key, tensor in held.overrides.items():
        if key[0] in visited:
            overrides[key] = None if tensor is None else names.claim(*_wanted(trace, key))
            if tensor is not None:
                own = _copied(tensor, is_parameter=_is_trained(trace, key))
                tensors[str(overrides[key])] = OwnTensor(own, is_persistent=True)
    order = {path: position for position, path in enumerate(_in_order(schedule, state, overrides))}
    ranked = sorted(tensors, key=lambda path: order.get(path, len(order)))
    return NativeState({path: tensors[path] for path in ranked}, state, overrides)


def _copied(tensor: Tensor, *, is_parameter: bool) -> Tensor:
    own = tensor.detach().clone()
    return nn.Parameter(own, requires_grad=own.is_floating_point()) if is_parameter else own


def _wanted(trace: Trace, key: LayerRole) -> tuple[str, str]:
    """The name of the tensor that an operand stands for, or beside the weight's; and one to fall back on."""
    layer, role = key
    weights, state = trace.regions[layer].weights, trace.program.state
    fallback = f"{layer}.{role}"
    own, weight = weights.get(role), weights.get("weight")
    if own is not None and own.record in state:
        return state[own.record].name, fallback
    if own is None and weight is not None and weight.record in state:
        return ".".join([*state[weight.record].name.split(".")[:-1], role]), fallback
    return fallback, fallback


def _is_trained(trace: Trace, key: LayerRole) -> bool:
    """Whether an operand is new, or a parameter of the user's model has a part in it."""
    layer, role = key
    ref = trace.regions[layer].weights.get(role)
    if ref is None:
        return True
    program = trace.program
    read = [ref, *(r for operation in program.needed([ref], lambda _: False) for r in operation.reads)]
    return any(program.state[r.record].is_parameter for r in read if r.record in program.state)


def _in_order(
    schedule: Schedule[Operation], state: Mapping[str, str], overrides: Mapping[LayerRole, str | None]
) -> Iterator[str]:
    """Names as the layers read them; some more than once."""
    for step in schedule.steps:
        layer = step.node.name
        for role in (*step.weights, *(role for name, role in overrides if name == layer)):
            ref = step.weights.get(role, Ref(""))
            path = overrides[layer, role] if (layer, role) in overrides else state.get(ref.record)
            if path is not None:
                yield path

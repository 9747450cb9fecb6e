"""A traced model as data: operations by name, tensors as arrays, structures of plain containers.

What comes back is run by torch's own ATen operators and nothing else: a file names operators of the namespace
`aten` that compute, and integer arithmetic of Python's `operator`. Classes of the user's (dataclasses, named
tuples) are code, and are not stored.
"""

from __future__ import annotations

import inspect
import math
import operator
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils import _pytree as pytree

from clika_core.backend.signature import Signature
from clika_core.backend.trainable import StoredProgram
from clika_core.errors import ModelError, StateError
from clika_core.ir.graph import Graph
from clika_core.ir.recording import Ref, Region
from clika_torch.arrays import to_numpy
from clika_torch.inputs import InputLayout
from clika_torch.interpreter import Held
from clika_torch.operation import Operation, Slot
from clika_torch.program import StateTensor, TracedProgram
from clika_torch.saved_tensors import as_saved
from clika_torch.structure import Constant, Container, Flat, Leaf, Structure, make_dict, make_registered
from clika_torch.trace import Trace
from clika_torch.traced_model import TorchTracedModel

_ARITHMETIC: Final = MappingProxyType(
    {
        f"{function.__module__}.{function.__name__}": function
        for function in (
            *(operator.add, operator.sub, operator.mul, operator.floordiv, operator.truediv, operator.mod),
            *(operator.neg, operator.pow, operator.eq, operator.ne, operator.lt, operator.le, operator.gt),
            *(
                operator.ge,
                math.ceil,
                math.floor,
                torch.sym_float,
                torch.sym_int,
                torch.sym_max,
                torch.sym_min,
            ),
        )
    }
)
_NOT_COMPUTING: Final = (
    "from_file",
    "_print",
    "save",
    "load",
    "warn",
)  # ATen names that do more than compute
_TYPES: Final = MappingProxyType(
    {"dtype": torch.dtype, "memory_format": torch.memory_format, "layout": torch.layout}
)
_CONTAINERS: Final = MappingProxyType({"list": list, "tuple": tuple, "dict": dict})


def stored_program(model: TorchTracedModel) -> StoredProgram:
    """The trace and the tensors that it runs on. Raises ModelError naming what is no data."""
    program, trace = model.trace.program, model.trace
    tensors = {origin.name: model.held.state[record] for record, origin in program.state.items()}
    values = {
        "inputs": list(program.inputs),
        "operations": [_operation(operation) for operation in program.operations.values()],
        "state": {
            record: [s.name, s.is_parameter, s.is_persistent, _dtype(s.tensor), _is_channels_last(s.tensor)]
            for record, s in program.state.items()
        },
        "results": [_value(result) for result in program.results],
        "result": _flat(program.result),
        "example": _flat(trace.layout.example),
        "arguments": [_argument(p) for p in trace.layout.signature.parameters.parameters.values()],
        "regions": {name: _region(region) for name, region in trace.regions.items()},
    }
    return StoredProgram(values, {name: to_numpy(tensor) for name, tensor in tensors.items()})


def restored_model(stored: StoredProgram, graph: Graph) -> TorchTracedModel:
    """The traced model of `stored`, on the CPU. Raises StateError for anything that is no such program."""
    try:
        return _restored(stored, graph)
    except StateError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        raise StateError("the saved program is damaged", found=repr(error)[:200]) from error


def _restored(stored: StoredProgram, graph: Graph) -> TorchTracedModel:
    values = stored.values
    tensors: dict[str, Tensor] = {}
    state = {}
    for record, (name, is_parameter, is_persistent, dtype, is_channels_last) in values["state"].items():
        if name not in tensors:
            tensor = as_saved(stored.arrays[name], _typed("dtype", dtype))
            if is_channels_last:  # the order in memory decides the order of sums
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            tensors[name] = nn.Parameter(tensor, tensor.is_floating_point()) if is_parameter else tensor
        state[record] = StateTensor(name, tensors[name], bool(is_parameter), bool(is_persistent))
    operations = {data["id"]: _read_operation(data) for data in values["operations"]}
    program = TracedProgram(
        operations,
        state,
        tuple(values["inputs"]),
        tuple(map(_read_value, values["results"])),
        _read_flat(values["result"]),
    )
    signature = Signature(inspect.Signature([_read_argument(data) for data in values["arguments"]]))
    regions = {name: _read_region(data) for name, data in values["regions"].items()}
    trace = Trace(program, InputLayout(signature, _read_flat(values["example"])), graph, regions)
    held = {record: origin.tensor for record, origin in state.items()}
    return TorchTracedModel(trace, Held(held, {}, torch.device("cpu")))


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "id": operation.id,
        "target": _target_name(operation.target),
        "arguments": _value(operation.arguments),
        "slots": {role: [slot.argument, slot.index] for role, slot in operation.slots.items()},
        "is_multiple": operation.is_multiple,
    }


def _read_operation(data: Mapping[str, Any]) -> Operation:
    slots = {role: Slot(*place) for role, place in data["slots"].items()}
    arguments = MappingProxyType(_read_value(data["arguments"]))
    return Operation(data["id"], _read_target(data["target"]), arguments, slots, bool(data["is_multiple"]))


def _target_name(target: Callable[..., Any]) -> str:
    if isinstance(target, OpOverload):
        if target.namespace != "aten":
            raise _not_data("an operator that is not PyTorch's own", str(target))
        return str(target)
    name = next((name for name, function in _ARITHMETIC.items() if function is target), None)
    if name is None:
        raise _not_data("a function that is not PyTorch's own", repr(target))
    return name


def _read_target(name: str) -> Callable[..., Any]:
    if name in _ARITHMETIC:
        return _ARITHMETIC[name]
    namespace, packet, overload = name.split(".")
    found = getattr(getattr(torch.ops.aten, packet, None), overload, None)
    if namespace != "aten" or packet in _NOT_COMPUTING or not isinstance(found, OpOverload):
        raise StateError("the saved program names an operator that is not allowed", found=repr(name)[:80])
    return found


def _value(value: Any) -> Any:
    """Arguments as JSON: what JSON does not have is a dict of one tagged entry."""
    if isinstance(value, Ref):
        return {"ref": list(value)}
    if isinstance(value, Mapping):
        return {"map": {str(key): _value(item) for key, item in value.items()}}
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": str(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, torch.device):
        return {"device": str(value)}
    for tag, kind in _TYPES.items():
        if isinstance(value, kind):
            return {tag: str(value).removeprefix("torch.")}
    raise _not_data(
        "an argument that is no plain value", f"{type(value).__module__}.{type(value).__qualname__}"
    )


def _read_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_read_value(item) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, held),) = value.items()
    if tag == "ref":
        return Ref(str(held[0]), int(held[1]))
    if tag == "map":
        return {key: _read_value(item) for key, item in held.items()}
    if tag == "float":
        return float(held)
    return torch.device(held) if tag == "device" else _typed(tag, held)


def _typed(tag: str, name: str) -> Any:
    found = getattr(torch, name)
    if not isinstance(found, _TYPES[tag]):
        raise TypeError(f"{name!r} is no {tag}")
    return found


def _is_channels_last(tensor: Tensor) -> bool:
    is_last = tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return is_last and not tensor.is_contiguous()


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _flat(flat: Flat) -> dict[str, Any]:
    return {
        "leaves": list(flat.leaves),
        "constants": {path: _value(constant) for path, constant in flat.constants.items()},
        "structure": _structure(flat.structure),
    }


def _read_flat(data: Mapping[str, Any]) -> Flat:
    constants = {path: _read_value(value) for path, value in data["constants"].items()}
    return Flat(dict.fromkeys(data["leaves"]), constants, _read_structure(data["structure"]))


def _structure(structure: Structure) -> Any:
    if isinstance(structure, Leaf):
        return "leaf"
    if isinstance(structure, Constant):
        return {"constant": _value(structure.value)}
    kind, keys = _container(structure.make)
    return {"kind": kind, "keys": keys, "children": [_structure(child) for child in structure.children]}


def _container(make: Callable[..., Any]) -> tuple[str, list[Any]]:
    """`list`, `tuple` or `dict`, and the keys of a dict. Raises ModelError for a class of the user's."""
    if isinstance(make, partial) and make.func is make_registered:
        definition, context = make.args
        kind = next((n for n, k in _CONTAINERS.items() if pytree.SUPPORTED_NODES.get(k) is definition), None)
        if kind is not None:
            return kind, [_value(key) for key in context] if kind == "dict" else []
    if isinstance(make, partial) and make.func is make_dict:
        return "dict", [_value(key) for key in make.args[0]]
    raise _not_data(
        "inputs or results in containers of a class of its own", getattr(make, "args", (make,))[0]
    )


def _read_structure(data: Any) -> Structure:
    if data == "leaf":
        return Leaf()
    if "constant" in data:
        return Constant(_read_value(data["constant"]))
    children = tuple(map(_read_structure, data["children"]))
    if data["kind"] == "dict":
        return Container(children, partial(make_dict, tuple(map(_read_value, data["keys"]))))
    kind = _CONTAINERS[data["kind"]]
    definition = pytree.SUPPORTED_NODES[kind]
    return Container(children, partial(make_registered, definition, None))


def _argument(parameter: inspect.Parameter) -> dict[str, Any]:
    has_default = parameter.default is not inspect.Parameter.empty
    return {
        "name": parameter.name,
        "kind": parameter.kind.name,
        "default": {"value": _value(parameter.default)} if has_default else None,
    }


def _read_argument(data: Mapping[str, Any]) -> inspect.Parameter:
    kinds = {kind.name: kind for kind in (getattr(inspect.Parameter, n) for n in _KINDS)}
    default = inspect.Parameter.empty if data["default"] is None else _read_value(data["default"]["value"])
    return inspect.Parameter(data["name"], kinds[data["kind"]], default=default)


_KINDS: Final = ("POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD", "VAR_POSITIONAL", "KEYWORD_ONLY", "VAR_KEYWORD")


def _region(region: Region) -> dict[str, Any]:
    return {
        "operations": list(region.operations),
        "inputs": [list(ref) for ref in region.inputs],
        "weights": {role: list(ref) for role, ref in region.weights.items()},
        "outputs": [list(ref) for ref in region.outputs],
    }


def _read_region(data: Mapping[str, Any]) -> Region:
    return Region(
        tuple(data["operations"]),
        tuple(Ref(*ref) for ref in data["inputs"]),
        {role: Ref(*ref) for role, ref in data["weights"].items()},
        tuple(Ref(*ref) for ref in data["outputs"]),
    )


def _not_data(what: str, found: Any) -> ModelError:
    return ModelError(
        f"the model has {what}",
        found=str(found),
        fix="resume with the model itself: clika_resume(..., model=model)",
    )

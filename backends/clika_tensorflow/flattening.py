"""A captured graph as one list of calls: inner functions inlined, variables and constants as state.

What only passes a tensor on (`Identity`) is no call, nor is what gives nothing (`NoOp`, assertions).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import tensorflow as tf

from clika_core.errors import TraceError
from clika_core.ir.recording import Ref
from clika_tensorflow.capturing import Captured
from clika_tensorflow.raw_calls import RawCall, raw_call
from clika_tensorflow.regions import without_scopes
from clika_tensorflow.state import StateTensor, variable_names
from clika_tensorflow.whole_layers import WholeLayer, whole_layer

_INLINED: Final = frozenset({"PartitionedCall", "StatefulPartitionedCall"})
_PASSING: Final = frozenset(
    {"Identity", "IdentityN", "PreventGradient", "Snapshot", "CheckNumerics", "EnsureShape"}
)
_NOTHING: Final = frozenset({"NoOp", "Assert", "Placeholder", "_Arg"})
_LOOPS: Final = frozenset({"While", "StatelessWhile", "If", "StatelessIf", "Case", "StatelessCase"})
_WRITES: Final = frozenset({"AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"})
_GATHERS: Final = "ResourceGather"


@dataclass(frozen=True, slots=True, eq=False)
class FlatCall:
    """One operation with references in place of its input tensors; `native` is the operation in its graph.

    `made_shape` is the static shape of what a rewriting made, where no operation has it.
    """

    id: str
    native: Any
    function: Any
    arguments: Mapping[str, Any]
    count: int
    made_shape: Sequence[int | None] | None = None

    @property
    def type(self) -> str:
        """TensorFlow's name of the operation, or that of a layer that is one."""
        return (
            self.function.type if isinstance(self.function, WholeLayer | RawCall) else str(self.native.type)
        )

    @property
    def static_shape(self) -> Sequence[int | None] | None:
        """The first result's sizes, as far as they are known without running; None where not even their number is."""
        if self.made_shape is not None:
            return self.made_shape
        shape = self.native.outputs[0].shape
        return shape.as_list() if shape.rank is not None else None

    @property
    def reads(self) -> Iterator[Ref]:
        """Every reference among the arguments."""
        for value in self.arguments.values():
            yield from (value if isinstance(value, list) else [value])


@dataclass(frozen=True, slots=True, eq=False)
class FlatGraph:
    """Calls in order; state by id; ids of the inputs; the references of the results."""

    calls: Sequence[FlatCall]
    state: Mapping[str, StateTensor]
    inputs: tuple[str, ...]
    outputs: tuple[Ref, ...]


def flatten_graph(captured: Captured, model: Any) -> FlatGraph:
    """Flatten the graph of `captured`, whose variables are named after where `model` keeps them."""
    walker = _Walker(captured, model)
    walker.walk(captured.graph, "")
    outputs = tuple(walker.refs[_key(captured.graph, tensor)] for tensor in captured.outputs)
    return FlatGraph(walker.calls, walker.state, tuple(tensor.op.name for tensor in captured.inputs), outputs)


def _key(graph: Any, tensor: Any) -> tuple[int, str]:
    return id(graph), str(tensor.name)


@dataclass(eq=False)
class _Walker:
    captured: Captured
    model: Any
    calls: list[FlatCall] = field(default_factory=list)
    state: dict[str, StateTensor] = field(default_factory=dict)
    refs: dict[tuple[int, str], Ref] = field(default_factory=dict)

    def __post_init__(self) -> None:
        graph = self.captured.graph
        self._names = variable_names(self.model, self.captured.regions, graph)
        self._variables: dict[tuple[int, str], Any] = {}
        by_handle = {variable.handle._id: variable for variable in graph.variables}
        for tensor in self.captured.inputs:
            self.refs[_key(graph, tensor)] = Ref(tensor.op.name)
        for external, internal in graph.captures:
            if internal.dtype == tf.resource:
                self._variables[_key(graph, internal)] = by_handle.get(external._id)
            else:
                self.refs[_key(graph, internal)] = self._add_state(
                    internal.op.name, external, internal.op.name
                )

    def walk(self, graph: Any, prefix: str) -> None:
        """Every operation of `graph`, whose inputs are bound."""
        for operation in graph.get_operations():
            if operation.type in _NOTHING:
                continue
            if operation.type == "Const":
                value = tf.make_ndarray(operation.get_attr("value"))
                self._bind(graph, operation, [self._add_state(prefix + operation.name, value, "")])
            elif operation.type == "ReadVariableOp":
                self._bind(graph, operation, [self._read(graph, operation.inputs[0])])
            elif operation.type in _PASSING:
                self._pass(graph, operation)
            elif operation.type in _INLINED and whole_layer(operation) is None:
                self._inline(graph, operation, prefix)
            elif operation.type in _LOOPS:
                raise TraceError(
                    "the model has a loop or a branch that a graph has no node for",
                    found=f"{operation.type} {without_scopes(operation.name)}",
                    expected="operations that always run, in one order",
                    fix="unroll=True for recurrent layers of Keras; else loops and branches of Python",
                )
            elif operation.type in _WRITES:
                continue  # a traced model computes its results and keeps no state between calls
            elif operation.outputs:
                self._add_call(graph, operation, prefix)

    def _pass(self, graph: Any, operation: Any) -> None:
        for given, passed in zip(operation.inputs, operation.outputs, strict=True):
            source, place = _key(graph, given), _key(graph, passed)
            if source in self._variables:
                self._variables[place] = self._variables[source]
            else:
                self.refs[place] = self.refs[source]

    def _inline(self, graph: Any, operation: Any, prefix: str) -> None:
        name = operation.get_attr("f").name
        inner = graph._get_function(name).graph
        for outside, inside in zip(operation.inputs, inner.inputs, strict=True):
            source = _key(graph, outside)
            if source in self._variables:
                self._variables[_key(inner, inside)] = self._variables[source]
            else:
                self.refs[_key(inner, inside)] = self.refs[source]
        self.walk(inner, f"{prefix}{operation.name}/")
        self._bind(graph, operation, [self.refs[_key(inner, tensor)] for tensor in inner.outputs])

    def _add_call(self, graph: Any, operation: Any, prefix: str) -> None:
        name = prefix + operation.name
        whole = whole_layer(operation)
        if whole is not None:
            tensors = dict(zip(whole.arguments, operation.inputs, strict=True))
            read = {argument: self._ref(graph, tensor) for argument, tensor in tensors.items()}
            call = FlatCall(name, operation, whole, read, len(operation.outputs))
            self._append(graph, operation, call)
            return
        function, arguments = (_gather, {}) if operation.type == _GATHERS else raw_call(operation)
        references: dict[str, Ref | list[Ref]] = {
            argument: [self._ref(graph, tensor) for tensor in value]
            if isinstance(value, list)
            else self._ref(graph, value)
            for argument, value in arguments.items()
        }
        if operation.type == _GATHERS:
            table, indices = operation.inputs
            references = {"params": self._read(graph, table), "indices": self._ref(graph, indices)}
        self._append(
            graph, operation, FlatCall(name, operation, function, references, len(operation.outputs))
        )

    def _append(self, graph: Any, operation: Any, call: FlatCall) -> None:
        self.calls.append(call)
        self._bind(graph, operation, [Ref(call.id, port) for port in range(call.count)])

    def _ref(self, graph: Any, tensor: Any) -> Ref:
        if tensor.dtype == tf.resource:
            raise TraceError(
                "an operation reads a resource that is no variable",
                found=f"{tensor.op.type} {tensor.op.name}",
                expected="variables, tensors and constants",
                fix="compute it outside of the model, or keep it as a variable",
            )
        return self.refs[_key(graph, tensor)]

    def _bind(self, graph: Any, operation: Any, refs: Sequence[Ref]) -> None:
        for tensor, ref in zip(operation.outputs, refs, strict=True):
            self.refs[_key(graph, tensor)] = ref

    def _read(self, graph: Any, handle: Any) -> Ref:
        """The state that a variable is; the same whenever it is read."""
        variable = self._variables.get(_key(graph, handle))
        if variable is None:
            raise TraceError(
                "the model reads a resource that is no variable of its own",
                found=handle.op.name,
                fix="keep it as an attribute of the model",
            )
        name = self._names[variable.handle._id]
        if name not in self.state:
            self.state[name] = StateTensor(name, variable, is_parameter=bool(variable.trainable))
        return Ref(name)

    def _add_state(self, name: str, value: Any, own_name: str) -> Ref:
        self.state[name] = StateTensor(without_scopes(own_name or name), value, is_parameter=False)
        return Ref(name)


def _gather(arguments: Mapping[str, Any], _: str | None = None) -> list[Any]:
    """Rows of a variable: the operation itself takes a resource, which is no value."""
    return [tf.gather(arguments["params"], arguments["indices"])]

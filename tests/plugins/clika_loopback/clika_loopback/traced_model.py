"""`LoopbackTracedModel`: a traced model as the core sees it, and the native model made of it."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from clika_core.backend.interface import LayerCall, Program, Removals, TracedModel, Visitor
from clika_core.ir.assembly import Assembly, assemble
from clika_core.ir.graph import Node, ValueKey
from clika_core.ir.recording import Ref
from clika_loopback.arrays import LoopbackArrays
from clika_loopback.inputs import take
from clika_loopback.kernels import compute
from clika_loopback.layer_call import LoopbackLayerCall
from clika_loopback.model import LoopbackModel, Operation
from clika_loopback.parameters import LayerParameters
from clika_loopback.recording import record

Array = NDArray[Any]
Overrides = Mapping[str, Mapping[str, Array]]


def trace(model: LoopbackModel, example_inputs: Any, name: str | None = None) -> LoopbackTracedModel:
    """Trace `model` on example inputs. Raises DataError or TraceError where it does not take them."""
    recording = record(model, take(model.inputs, example_inputs), name or model.name)
    return LoopbackTracedModel(model, assemble(recording))


class LoopbackTracedModel(TracedModel):
    """A model with its graph; `overrides` replace or add operands of single layers."""

    def __init__(
        self,
        model: LoopbackModel,
        assembly: Assembly,
        overrides: Overrides | None = None,
        removed: Mapping[str, str | None] | None = None,
    ) -> None:
        """Take a model that is not changed from here on."""
        self.graph = assembly.graph
        self.arrays = LoopbackArrays()
        self.removed = dict(removed or {})
        self.overrides = {layer: dict(own) for layer, own in (overrides or {}).items()}
        self._model, self._assembly = model, assembly
        self._operations = {operation.id: operation for operation in model.operations}

    def run(self, inputs: Any) -> Any:
        """The model's own result, for `inputs` as the model takes them."""
        arrays = self.flatten_inputs(inputs)
        return self.result(self.interpret(arrays, _run_natively), arrays)

    def flatten_inputs(self, inputs: Any) -> tuple[Array, ...]:
        """Arrays beside `graph.inputs`. Raises DataError naming the input whose shape or dtype does not fit."""
        return tuple(take(self._model.inputs, inputs).values())

    def result(self, outputs: Sequence[Array], inputs: Sequence[Array]) -> Any:
        """The model's result from the values beside `graph.outputs`."""
        return self._model.build_result(list(outputs))

    def interpret(self, inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        """Run the graph, each layer that is not removed through `visitor`; values beside `graph.outputs`."""
        values: dict[ValueKey, Array] = {
            (node.name, 0): array for node, array in zip(self.graph.inputs, inputs, strict=True)
        }
        for node in self.graph.layers:
            arrived = tuple(values[port.key] for port in node.inputs)
            if node.name in self.removed:
                values[node.name, 0] = arrived[0]
                continue
            outputs = visitor(self._call(node, arrived))
            values.update(((node.name, port), array) for port, array in enumerate(outputs))
        return tuple(values[node.inputs[0].key] for node in self.graph.outputs)

    def parameters(self, layer: str) -> MutableMapping[str, Array]:
        """The parametric operands of a layer by role; see `LayerParameters`."""
        return LayerParameters(self, self.graph[layer])

    def preprocess(self, removals: Removals) -> LoopbackTracedModel:
        """A copy with own parameters that passes over the removed layers."""
        own = {
            node.name: {role: array.copy() for role, array in self.weights(node).items()}
            for node in self.graph.layers
        }
        return LoopbackTracedModel(self._model, self._assembly, own, {**self.removed, **removals.into})

    def native(self, program: Program) -> LoopbackNative:
        """A callable over a copy of the parameters. It computes; NumPy has no gradients to train it with."""
        return LoopbackNative(self.preprocess(Removals()), program)

    def weights(self, node: Node) -> dict[str, Array]:
        """The parametric operands of a layer by role."""
        traced = self._assembly.regions[node.name].weights
        own = self.overrides.get(node.name, {})
        return {role: self._parametric(ref) for role, ref in traced.items() if role not in own} | own

    def operations(self, layer: str) -> list[Operation]:
        """The operations that a layer runs, in order."""
        return [self._operations[name] for name in self._assembly.regions[layer].operations]

    def _call(self, node: Node, arrived: tuple[Array, ...]) -> LayerCall:
        region = self._assembly.regions[node.name]
        operations = self.operations(node.name)
        return LoopbackLayerCall(node, arrived, self.weights(node), region, operations, self._parametric)

    def _parametric(self, wanted: Ref) -> Array:
        """A parameter, or the value of an expression of parameters."""
        if wanted.record in self._model.parameters:
            return self._model.parameters[wanted.record]
        operation = self._operations[wanted.record]
        operands = {role: self._parametric(ref) for role, ref in operation.operands}
        return compute(operation.type, operands, operation.attributes)[wanted.port]


@dataclass(frozen=True, eq=False)
class LoopbackNative:
    """A quantized model: takes and returns what the original does."""

    traced: LoopbackTracedModel
    program: Program

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result for arrays in the order of the inputs, or by their names."""
        inputs = self.traced.flatten_inputs(kwargs or args)
        return self.traced.result(self.program(self.traced, inputs), inputs)


def _run_natively(call: LayerCall) -> tuple[Array, ...]:
    return call.run()

"""Walks a graph once and writes its layers: int8 where the plan says quantized, float32 elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from clika_core.backend.interface import TracedModel
from clika_core.errors import OutputError
from clika_core.ir.graph import Node, NodeKind, ValueKey
from clika_core.numerics import QuantParams
from clika_core.planning.plan import Plan
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.visitor import Simulation
from clika_tensorflow.tflite.builder import TfliteBuilder
from clika_tensorflow.tflite.operators import WRITERS, Layer


@dataclass(frozen=True)
class Written:
    """The file, the tensor that holds the codes of each quantized value, and the file that returns all of them.

    A delegate keeps what is inside its part of the graph to itself: only what is returned can be compared.
    """

    content: bytes
    codes: Mapping[ValueKey, int]
    probe: bytes


def write(model: TracedModel, plan: Plan | None = None, simulation: Simulation | None = None) -> Written:
    """The file of a preprocessed model; without a simulation, in float32."""
    return _Writer(model, plan, simulation).write()


class _Writer:
    """`_reals` and `_codes` hold the tensor of each value, as float32 and as int8."""

    def __init__(self, model: TracedModel, plan: Plan | None, simulation: Simulation | None) -> None:
        self._model, self._plan, self._simulation = model, plan, simulation
        self._graph, self._builder = model.graph, TfliteBuilder()
        self._reals: dict[ValueKey, int] = {}
        self._codes: dict[ValueKey, int] = {}

    def write(self) -> Written:
        inputs = []
        for node in self._graph.nodes:
            if node.kind is NodeKind.INPUT:
                self._reals[node.name, 0] = self._builder.value(node.name, node.outputs[0])
                inputs.append(self._reals[node.name, 0])
            elif node.kind is NodeKind.LAYER and node.name not in self._model.removed:
                self._write_layer(node)
        outputs = [self._real(self._origin(node.inputs[0].key)) for node in self._graph.outputs]
        known = {**self._simulation.coded, **self._simulation.quantize_at} if self._simulation else {}
        codes = {key: tensor for key, tensor in self._codes.items() if key in known}
        name = self._graph.name
        probe = self._builder.finish(name, inputs, list(dict.fromkeys(codes.values()))) if codes else b""
        return Written(self._builder.finish(name, inputs, outputs), codes, probe)

    def _write_layer(self, node: Node) -> None:
        spec = self._simulation.specs.get(node.name) if self._simulation else None
        if self._simulation is not None and node.name in self._simulation.members:
            key = self._origin(node.inputs[0].key)
            if key in self._codes:
                self._codes[node.name, 0] = self._codes[key]
            return
        writer = WRITERS.get(node.type)
        if writer is None:
            where = f" ({node.path})" if node.path else ""
            raise OutputError(
                f"layer {node.name!r}{where} cannot be written to tflite",
                found=f"operator type {node.type}",
                expected=", ".join(WRITERS),
                fix="deploy to another target, or contribute a writer",
            )
        end, fused = self._group(node, spec)
        params = spec.outputs if spec is not None else (None,) * len(end.outputs)
        outputs = tuple(
            self._builder.value(f"{end.name}_{port}" if port else end.name, value, own)
            for port, (value, own) in enumerate(zip(end.outputs, params, strict=True))
        )
        values = {port.role: self._graph.value(port.key) for port in node.inputs}
        arrays = dict(self._model.parameters(node.name))
        writer(Layer(self._builder, node, values, self._inputs(node, spec), arrays, spec, fused, outputs))
        for port, (output, own) in enumerate(zip(outputs, params, strict=True)):
            place = self._reals if own is None else self._codes
            place[node.name, port] = place[end.name, port] = output

    def _group(self, node: Node, spec: LayerSpec | None) -> tuple[Node, str]:
        """The last layer of a quantized group, and the activation that is fused into it."""
        if spec is None or self._plan is None:
            return node, ""
        group = self._plan.groups[node.name]
        types = [self._graph[member].type for member in group.members[1:]]
        types = [type_ for type_ in types if self._graph[group.end].type == type_] or types
        return self._graph[group.end], types[-1] if types else ""

    def _inputs(self, node: Node, spec: LayerSpec | None) -> dict[str, int]:
        if spec is None:
            return {port.role: self._real(self._origin(port.key)) for port in node.inputs}
        found = {}
        for port, params in zip(node.inputs, spec.inputs, strict=True):
            assert params is not None
            wanted = spec.outputs[0] if node.type == "concat" else params
            found[port.role] = self._coded(self._origin(port.key), params, wanted or params)
        return found

    def _origin(self, key: ValueKey) -> ValueKey:
        while key[0] in self._model.removed:
            key = self._graph[key[0]].inputs[0].key
        return key

    def _real(self, key: ValueKey) -> int:
        if key not in self._reals:
            self._reals[key] = self._builder.value(f"{key[0]}_dequantized", self._graph.value(key))
            self._builder.op("DEQUANTIZE", [self._codes[key]], [self._reals[key]], "DequantizeOptions")
        return self._reals[key]

    def _coded(self, key: ValueKey, params: QuantParams, wanted: QuantParams) -> int:
        """The codes of a value: its own, those of its border, or, where another scale is wanted, quantized anew.

        By way of the reals: LiteRT turns codes into codes with a multiplier of eight bits, which is off by one often.
        """
        if key not in self._codes:
            self._codes[key] = self._quantized(self._gained(key), f"{key[0]}_quantized", key, params)
        if wanted == params:
            return self._codes[key]
        return self._quantized(self._real(key), f"{key[0]}_requantized", key, wanted)

    def _gained(self, key: ValueKey) -> int:
        """The value that is quantized at a border: times its gains, where it has some."""
        gains = self._simulation.gains.get(key) if self._simulation else None
        if gains is None:
            return self._reals[key]
        found = self._builder.value(f"{key[0]}_balanced", self._graph.value(key))
        factor = self._builder.constant(f"{key[0]}_gains", gains)
        self._builder.op("MUL", [self._reals[key], factor], [found], "MulOptions")
        return found

    def _quantized(self, tensor: int, name: str, key: ValueKey, params: QuantParams) -> int:
        found = self._builder.value(name, self._graph.value(key), params)
        self._builder.op("QUANTIZE", [tensor], [found], "QuantizeOptions")
        return found

"""Writes a plan as an ONNX model: integer layers between pairs, weights stored as int8, biases as int32.

Every quantized value is one QuantizeLinear and one DequantizeLinear, named after its layer; every reader, integer
or float, reads the dequantized name: the runtime fuses what it computes in integers. Names of layers survive as
names of nodes, and `metadata_props` map them back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from numpy.typing import NDArray

from clika_core.backend.interface import TracedModel
from clika_core.backend.layer_parameters import FollowsSizeError
from clika_core.backend.model_file import Arrays, ModelFile, Runner
from clika_core.deployment import qdq
from clika_core.deployment.fences import Fences, find_fences
from clika_core.deployment.layout import Order, channels_first, inverse, reordered
from clika_core.deployment.lowerings import lowering_of
from clika_core.deployment.lowerings.context import LoweringContext
from clika_core.deployment.onnx_builder import OnnxBuilder
from clika_core.deployment.onnx_runtime import Session, with_outputs
from clika_core.deployment.writable import check_writable
from clika_core.ir.graph import Graph, InputPort, Node, NodeKind, ValueKey
from clika_core.numerics import QuantParams
from clika_core.planning.plan import Plan
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.simulation.points import ABOVE, BELOW
from clika_core.simulation.visitor import Simulation
from clika_core.targets.target import Arithmetic

_PORTS: Final = {ABOVE: "_above", BELOW: "_below"}


@dataclass(frozen=True)
class OnnxFile(ModelFile):
    """A model, the names under which each quantized value's codes can be read in it, and their order of axes there
    where it is not the graph's own."""

    model: onnx.ModelProto
    code_names: Mapping[ValueKey, str]
    orders: Mapping[ValueKey, Order] = field(default_factory=dict)

    @property
    def num_bytes(self) -> int:
        """The size of the file."""
        return int(self.model.ByteSize())

    def save(self, path: Path) -> None:
        """Write the file."""
        onnx.save_model(self.model, str(path))

    def runner(self, *, num_threads: int = 1) -> Runner:
        """The model in onnxruntime."""
        return Session(self.model, num_threads=num_threads).run

    def codes(self, batches: Iterable[Arrays]) -> Iterator[Mapping[ValueKey, NDArray[Any]]]:
        """What onnxruntime computed for every quantized value."""
        if not self.code_names:
            return
        names = list(self.code_names.values())
        session = Session(with_outputs(self.model, {name: self._element_type(name) for name in names}))
        for batch in batches:
            yield {
                key: array.transpose(inverse(self.orders[key])) if key in self.orders else array
                for key, array in zip(self.code_names, session.run(batch, names), strict=True)
            }

    def _element_type(self, codes: str) -> int:
        """The element type of codes: that of the zero point they are made with."""
        zero_points = {i.name: i.data_type for i in self.model.graph.initializer}
        names = (node.input[2] for node in self.model.graph.node if codes in node.output)
        return int(zero_points[next(names)])


def float_onnx(model: TracedModel) -> OnnxFile:
    """The preprocessed model in float32, written by the same lowerings: the baseline of every comparison."""
    return _Writer(model, None).write({})


def quantized_onnx(model: TracedModel, plan: Plan, simulation: Simulation) -> OnnxFile:
    """The quantized model; `model` is preprocessed and `simulation` made from it and `plan`."""
    metadata = {
        "clika.fingerprint": plan.graph.fingerprint,
        "clika.target": plan.target,
        "clika.precision": json.dumps({d.name: str(d.precision) for d in plan.decisions}),
    }
    return _Writer(model, simulation).write(metadata)


class _Writer:
    """Walks the graph once; `_names` holds the ONNX name of each value's reals."""

    def __init__(self, model: TracedModel, simulation: Simulation | None) -> None:
        self._model, self._simulation = model, simulation
        self._graph: Graph = model.graph
        self._builder = OnnxBuilder(self._graph)
        self._names: dict[ValueKey, str] = {}
        self._codes: dict[ValueKey, str] = {}
        self._entered: dict[ValueKey, str] = {}
        self._fenced: dict[ValueKey, str] = {}
        self._turned: dict[tuple[str, Order], str] = {}
        self._halves: dict[str, tuple[str, str]] = {}
        self._fences = find_fences(simulation) if simulation else Fences((), ())
        self._layout = channels_first(self._graph, self._model.removed)

    def write(self, metadata: Mapping[str, str]) -> OnnxFile:
        check_writable(self._graph)
        removed = self._model.removed
        for node in self._graph.nodes:
            if node.kind is NodeKind.INPUT:
                self._names[node.name, 0] = node.name
            elif node.kind is NodeKind.LAYER and node.name in removed:
                self._names[node.name, 0] = self._names[node.inputs[0].key]
            elif node.kind is NodeKind.LAYER:
                self._write_layer(node)
        outputs = {
            node.name: self._in_order(node.inputs[0].key, self._names[node.inputs[0].key], None)
            for node in self._graph.outputs
        }
        self._builder.remove_unread(self._halves, outputs.values())
        laid_out = {key: self._layout.values.get((key[0], max(key[1], 0))) for key in self._codes}
        orders = {key: order for key, order in laid_out.items() if order is not None}
        return OnnxFile(_checked(self._builder.model(outputs, metadata)), self._codes, orders)

    def _write_layer(self, node: Node) -> None:
        spec = self._simulation.specs.get(node.name) if self._simulation else None
        order, written = self._layout.wanted.get(node.name), self._layout.nodes[node.name]
        values = {port.role: reordered(self._graph.value(port.key), order) for port in node.inputs}
        weights, ranges = self._weights(node, spec)
        context = LoweringContext(
            self._builder, written, values, self._inputs(node, spec), weights, spec, ranges, self._halves
        )
        results = lowering_of(node)(context)
        if spec is not None and spec.halves:
            results = [self._halved(context, results[0], spec)]
        for port, result in enumerate(results):
            name = context.for_every_sample(result, port)
            self._builder.describe(name, written.outputs[port])
            self._names[node.name, port] = self._ended((node.name, port), name)

    def _halved(self, context: LoweringContext, result: str, spec: LayerSpec) -> str:
        """The sum of the halves in which a result is rounded, for each of which the layer is written once."""
        names = {ABOVE: result, BELOW: self._builder.repeated(result, auto_pad="NOTSET")}
        above, below = (
            self._pair((spec.node.name, port), name, spec.halves[port].params) for port, name in names.items()
        )
        total = context.one("Add", above, below)
        self._halves[total] = above, below
        return total

    def _ended(self, key: ValueKey, name: str) -> str:
        """The reals of a layer's output: behind a pair where the value is carried as codes.

        A padding has none: the runtime makes it part of the convolution only without.
        """
        params = self._simulation.coded.get(key) if self._simulation else None
        is_absorbed = self._graph[key[0]].type == "pad"
        return name if params is None or is_absorbed else self._pair(key, name, params)

    def _inputs(self, node: Node, spec: LayerSpec | None) -> dict[str, str]:
        order = self._layout.wanted.get(node.name)
        return {
            port.role: self._in_order(port.key, self._input(node, port, spec), order) for port in node.inputs
        }

    def _in_order(self, key: ValueKey, name: str, wanted: Order | None) -> str:
        """The name of the value with its axes in the order that is wanted; the pair of codes stays around it."""
        have = self._layout.values.get(key)
        rank = len(self._graph.value(key).shape)
        if have == wanted or (have is None and (wanted is None or len(wanted) != rank)):
            return name
        order = wanted if have is None else inverse(have)
        assert order is not None
        if (name, order) not in self._turned:
            turned = self._builder.op("Transpose", [name], f"{key[0]}_transposed", {"perm": list(order)})[0]
            params = self._params_of(key, name)
            stem = f"{key[0]}_transposed"
            self._turned[name, order] = (
                turned if params is None else qdq.pair(self._builder, turned, params, stem)[1]
            )
        return self._turned[name, order]

    def _params_of(self, key: ValueKey, name: str) -> QuantParams | None:
        """The parameters of a value where `name` holds what comes out of its pair."""
        if self._simulation is None or name in self._fenced.values():
            return None
        origin = self._simulation.wiring.origin.get(key, key)
        is_bordered = self._entered.get(origin) == name
        return self._simulation.quantize_at[origin] if is_bordered else self._simulation.coded.get(origin)

    def _input(self, node: Node, port: InputPort, spec: LayerSpec | None) -> str:
        """The name a reader uses: the value's own, that of its fence, or of its border."""
        key = port.key
        if self._simulation is None or (spec is not None and port.role not in spec.operands):
            return self._names[key]
        origin = self._simulation.wiring.origin.get(key, key)
        if spec is not None and origin in self._simulation.quantize_at:
            return self._bordered(origin, self._simulation.quantize_at[origin])
        if node.name in self._fences.layers and origin in self._fences.values:
            return self._fenced_name(origin)
        return self._names[key]

    def _bordered(self, key: ValueKey, params: QuantParams) -> str:
        if key not in self._entered:
            self._entered[key] = self._pair(key, self._gained(key), params)
        return self._entered[key]

    def _gained(self, key: ValueKey) -> str:
        """The value that is quantized at a border: times its gains, where it has some."""
        gains = self._simulation.gains.get(key) if self._simulation else None
        if gains is None:
            return self._names[key]
        order = self._layout.values.get(key)
        if order is not None:
            gains = gains.reshape(*[1] * (len(order) - 1), -1).transpose(order)
        factor = self._builder.constant(gains, f"{key[0]}_gains")
        return self._builder.op("Mul", [self._names[key], factor], f"{key[0]}_balanced")[0]

    def _fenced_name(self, key: ValueKey) -> str:
        if key not in self._fenced:
            self._fenced[key] = self._builder.op("Sum", [self._names[key]], f"{key[0]}_fenced")[0]
        return self._fenced[key]

    def _pair(self, key: ValueKey, name: str, params: QuantParams) -> str:
        stem = key[0] if key[1] == 0 else f"{key[0]}{_PORTS.get(key[1], f'.{key[1]}')}"
        self._codes[key], reals = qdq.pair(self._builder, name, params, stem)
        return reals

    def _weights(
        self, node: Node, spec: LayerSpec | None
    ) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
        """The names of parametric operands by role; those of an integer layer come out of a DequantizeLinear.

        Beside them the operands that count along an axis of free size: no constant holds them.
        """
        arrays = self._model.parameters(node.name)
        names: dict[str, str] = {}
        ranges: dict[str, tuple[int, ...]] = {}
        for role in arrays:
            try:
                names[role] = self._weight(node, role, self._layout.weight(node, arrays[role]), spec)
            except FollowsSizeError as error:
                shape = counted_along(error.values)
                if shape is None:
                    raise
                ranges[role] = shape
        return names, ranges

    def _weight(self, node: Node, role: str, array: NDArray[Any], spec: LayerSpec | None) -> str:
        stem = f"{node.name}_{role}"
        if spec is not None and role in spec.weights:
            return qdq.stored(self._builder, array, spec.weights[role], stem)
        if spec is not None and role == "bias" and spec.arithmetic is Arithmetic.ACCUMULATE:
            inputs, weight = spec.inputs[0], next(iter(spec.weights.values()))
            assert inputs is not None
            return qdq.stored_bias(self._builder, array, inputs, weight, stem)
        is_half = array.dtype in (np.float16, np.dtype("float16"))
        return self._builder.constant(array.astype(np.float32) if is_half else array, stem)


def _checked(model: onnx.ModelProto) -> onnx.ModelProto:
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    onnx.checker.check_model(inferred, full_check=True)
    return inferred


def counted_along(values: NDArray[Any]) -> tuple[int, ...] | None:
    """The shape of an array that counts 0, 1, 2, ... along its only axis with more than one element, -1 there."""
    long = [axis for axis, size in enumerate(values.shape) if size > 1]
    if len(long) != 1 or not np.array_equal(values.ravel(), np.arange(values.size)):
        return None
    return tuple(-1 if axis == long[0] else 1 for axis in range(values.ndim))

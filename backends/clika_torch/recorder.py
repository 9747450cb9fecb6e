"""From an exported graph to what is run (`TracedProgram`) and what the core reads (`Recording`), in one walk."""

from __future__ import annotations

import operator
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import fx
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind, InputSpec, OutputKind

from clika_core.ir.recording import Record, RecordedOutput, Recording, RecordKind, Ref
from clika_torch.inputs import InputLayout
from clika_torch.operation import Operation
from clika_torch.program import StateTensor, TracedProgram
from clika_torch.structure import Flat
from clika_torch.trace_facts import module_path, own_name, source, values
from clika_torch.wording import Wording, word


class Recorder:
    """Walks the nodes of an exported graph once."""

    def __init__(self, program: ExportedProgram, layout: InputLayout, result: Flat) -> None:
        """Take the graph, rewritten, and what the model was given and returned while it was traced."""
        self._module = program.graph_module
        self._program = program
        self._layout = layout
        self._result = result
        self._records: list[Record] = []
        self._operations: dict[str, Operation] = {}
        self._state: dict[str, StateTensor] = {}
        self._inputs: list[str] = []
        self._refs: dict[fx.Node, Any] = {}
        self._sizes: set[str] = set()
        self._names: dict[int, str] = {}
        for target, tensor in program.state_dict.items():
            self._names.setdefault(id(tensor), own_name(target))

    def record(self, name: str, *, sizes_are_layers: bool = False) -> tuple[TracedProgram, Recording]:
        """The program, and the recording of it."""
        specs = {spec.arg.name: spec for spec in self._program.graph_signature.input_specs}
        for node in self._program.graph.nodes:
            if node.op == "placeholder":
                self._add_placeholder(node, specs[node.name])
            elif node.op == "get_attr":
                self._refs[node] = getattr(self._module, str(node.target))
            elif node.op == "call_function":
                self._add_call(node)
        returned = list(zip(self._result.leaves, self._returned(), strict=True))
        outputs = tuple(RecordedOutput(ref, path) for path, ref in returned if self._is_array(ref))
        results = tuple(None if self._is_array(ref) else ref for _, ref in returned)
        program = TracedProgram(self._operations, self._state, tuple(self._inputs), results, self._result)
        records, version = tuple(self._records), torch.__version__
        recording = Recording(records, outputs, name, "torch", version, sizes_are_layers)
        return program, recording

    def _add_placeholder(self, node: fx.Node, spec: InputSpec) -> None:
        self._refs[node] = Ref(node.name)
        if spec.kind is InputKind.USER_INPUT:
            path = list(self._layout.example.leaves)[len(self._inputs)]
            self._inputs.append(node.name)
            named = self._layout.signature.argument_path(path)
            self._records.append(
                Record(node.name, RecordKind.INPUT, outputs=values(node.meta["val"]), path=named)
            )
        elif node.users:
            self._add_state(node, spec)

    def _add_state(self, node: fx.Node, spec: InputSpec) -> None:
        target = str(spec.target)
        held = self._program.state_dict.get(target)
        tensor = self._program.constants[target] if held is None else held
        name = self._names.setdefault(id(tensor), own_name(target))
        is_parameter = spec.kind is InputKind.PARAMETER
        is_persistent = is_parameter or bool(spec.persistent)
        self._state[node.name] = StateTensor(name, tensor, is_parameter, is_persistent)
        self._records.append(
            Record(
                node.name,
                RecordKind.PARAMETER,
                outputs=values(node.meta["val"]),
                path=name,
                aliases=(node.name,),
                identity=name,
            )
        )

    def _add_call(self, node: fx.Node) -> None:
        if node.target is operator.getitem and isinstance(node.args[0], fx.Node):
            self._refs[node] = Ref(node.args[0].name, int(node.args[1]))  # type: ignore[arg-type]
            return
        held = node.meta.get("val")
        if held is None and not node.users:
            return  # an assertion about shapes or dtypes
        self._refs[node] = Ref(node.name)
        wording = word(node)
        self._operations[node.name] = Operation(
            node.name,
            node.target,  # type: ignore[arg-type]
            MappingProxyType(self._translate(wording.arguments)),
            wording.slots,
            isinstance(held, list | tuple),
        )
        self._records.append(self._record(node, wording))

    def _record(self, node: fx.Node, wording: Wording) -> Record:
        computes_size = not isinstance(node.meta.get("val"), torch.Tensor | list | tuple)
        if computes_size:
            self._sizes.add(node.name)
        found = values(node.meta.get("val"))
        if wording.is_trimmed:
            found = found[: 1 + max(_ports_read(node), default=0)]
        return Record(
            node.name,
            RecordKind.SIZE if computes_size else RecordKind.OPERATION,
            wording.type,
            () if computes_size else tuple((role, self._refs[held]) for role, held in wording.operands),
            found,
            MappingProxyType(wording.attributes),
            module_path(node),
            (node.name,),
            source(node),
        )

    def _translate(self, value: Any) -> Any:
        """Arguments with references in place of nodes."""
        if isinstance(value, fx.Node):
            return self._refs[value]
        if isinstance(value, Mapping):
            return {key: self._translate(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._translate(item) for item in value]
        return value

    def _returned(self) -> Iterator[Any]:
        """What the model returns, without what it writes to its buffers."""
        returned = self._program.graph.output_node().args[0]
        assert isinstance(returned, tuple | list)
        for spec, value in zip(self._program.graph_signature.output_specs, returned, strict=True):
            if spec.kind is OutputKind.USER_OUTPUT:
                yield self._translate(value)

    def _is_array(self, result: Any) -> bool:
        """Whether a result is a value of the graph; sizes and fixed numbers are returned, but are none."""
        return isinstance(result, Ref) and result.record not in self._sizes


def _ports_read(node: fx.Node) -> list[int]:
    """Which of several results somebody reads."""
    return [int(reader.args[1]) for reader in node.users if reader.users]  # type: ignore[arg-type]

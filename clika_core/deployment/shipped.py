"""`Shipped`: an ONNX file, read back: which of its nodes a layer became, and what it stores of weights."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from numpy.typing import NDArray
from onnx import numpy_helper

from clika_core.errors import OutputError

_PAIR = frozenset({"QuantizeLinear", "DequantizeLinear"})
_ADDED = re.compile(r"(_token_\d+|/duplicated)+$")  # what onnxruntime's optimizer appends to names


def load_shipped(path: Path) -> onnx.ModelProto:
    """The model in a file. Raises OutputError for a file that is none."""
    if path.suffix != ".onnx":
        raise OutputError(
            f"{path} cannot be verified",
            found=f"suffix {path.suffix!r}",
            expected="an .onnx or .stablehlo file: of others it cannot be seen what their runtimes compute",
        )
    try:
        return onnx.load_model(str(path))
    except (DecodeError, OSError, ValueError) as problem:
        raise OutputError(f"{path} cannot be read as ONNX", found=str(problem) or "no ONNX model") from None


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """A constant that the file holds as codes: their dtype, scale and zero point."""

    dtype: str
    scale: NDArray[np.float32]
    zero_point: NDArray[Any]


def _is_fence(node: onnx.NodeProto) -> bool:
    """A sum of one operand, which changes nothing: see `clika_core.deployment.fences`."""
    return node.op_type == "Sum" and len(node.input) == 1


class Shipped:
    """The nodes of a graph by the layer they belong to; QuantizeLinear and DequantizeLinear belong to none."""

    def __init__(self, graph: onnx.GraphProto, layers: Collection[str]) -> None:
        """`layers` are the names to look for."""
        self._layers = frozenset(layers)
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._producers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[onnx.NodeProto]] = {}
        self._nodes: dict[str, list[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
            owner = self._owner(node.name)
            if owner is not None and node.op_type not in _PAIR and not _is_fence(node):
                self._nodes.setdefault(owner, []).append(node)

    def nodes_of(self, layer: str) -> list[onnx.NodeProto]:
        """What a layer became, in the order of the file; empty where nothing bears its name."""
        return self._nodes.get(layer, [])

    def stored_operands(self, layer: str) -> list[Stored]:
        """The operands of a layer that are stored as codes."""
        names = dict.fromkeys(name for node in self.nodes_of(layer) for name in node.input)
        return [stored for name in names if (stored := self._stored(name)) is not None]

    def quantizers_after(self, layer: str) -> Iterator[Stored]:
        """What the QuantizeLinear nodes that read a layer's results quantize with."""
        for node in self.nodes_of(layer):
            for name in node.output:
                for reader in self._readers.get(name, []):
                    if reader.op_type == "QuantizeLinear":
                        yield self._params(reader)

    def _stored(self, name: str) -> Stored | None:
        """The constant behind a DequantizeLinear, be it behind transposes and reshapes; None for anything else."""
        node = self._producers.get(name)
        while node is not None and node.op_type in ("Transpose", "Reshape"):
            node = self._producers.get(node.input[0])
        if node is None or node.op_type != "DequantizeLinear" or node.input[0] not in self._constants:
            return None
        return self._params(node)

    def _params(self, node: onnx.NodeProto) -> Stored:
        scale = self._array(node.input[1])
        zero_point = self._array(node.input[2]) if len(node.input) > 2 else np.zeros_like(scale, np.int32)
        codes = self._constants.get(node.input[0])
        dtype = zero_point.dtype if codes is None else numpy_helper.to_array(codes).dtype
        return Stored(str(dtype), np.asarray(scale, np.float32), zero_point)

    def _array(self, name: str) -> NDArray[Any]:
        return numpy_helper.to_array(self._constants[name]) if name in self._constants else np.zeros(0)

    def _owner(self, name: str) -> str | None:
        """The layer whose name a node's begins with; helpers of a layer are named `<layer>_<word>`."""
        word = _ADDED.sub("", name)
        while word:
            if word in self._layers:
                return word
            word = word.rpartition("_")[0]
        return None

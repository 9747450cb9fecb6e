"""A thin builder over LiteRT's schema: tensors, operators, one subgraph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from clika_core.errors import OutputError
from clika_core.ir.graph import Value
from clika_core.numerics import QuantParams

VERSION: Final = 3
_TYPES: Final = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "int32": schema.TensorType.INT32,
    "int64": schema.TensorType.INT64,
    "bool": schema.TensorType.BOOL,
}
_FIRST_ALONE: Final = (
    "CEIL CONV_3D COS ELU FLOOR HARD_SWISH LOGICAL_AND LOGICAL_NOT LOGICAL_OR NEG ONE_HOT POW PRELU REDUCE_ALL "
    "REDUCE_ANY RESHAPE ROUND SELECT_V2 SHAPE SIN SQRT SQUARE"
).split()
_VERSIONS: Final = {
    **{getattr(schema.BuiltinOperator, name): 1 for name in _FIRST_ALONE},
    schema.BuiltinOperator.CONV_2D: 3,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D: 3,
    schema.BuiltinOperator.FULLY_CONNECTED: 12,
    schema.BuiltinOperator.RESIZE_BILINEAR: 3,
    schema.BuiltinOperator.RESIZE_NEAREST_NEIGHBOR: 3,
    schema.BuiltinOperator.TRANSPOSE_CONV: 3,
}
"""The version of an operator that has int8 kernels, per channel where it has weights; 2 for all others."""


def tensor_type(dtype: str) -> int:
    """What the format calls a dtype. Raises OutputError for one that it has not, or that is not written here."""
    if dtype not in _TYPES:
        raise OutputError(f"tflite files of this project hold no {dtype} values", expected=", ".join(_TYPES))
    return int(_TYPES[dtype])


class TfliteBuilder:
    """Collects tensors and operators; tensors are numbers, names are for readers."""

    def __init__(self) -> None:
        """Buffer 0 is the empty one, as the format demands."""
        self._tensors: list[Any] = []
        self._operators: list[Any] = []
        self._buffers = [_buffer(None)]
        self._codes: dict[int, int] = {}

    def value(self, name: str, value: Value, params: QuantParams | None = None) -> int:
        """A tensor that an operator computes; free sizes are those of the example, and may be resized."""
        dtype = value.dtype if params is None else params.format.storage_dtype
        tensor = self._tensor(name, value.example_shape, dtype, params, 0)
        if any(isinstance(size, str) for size in value.shape):
            tensor.shapeSignature = [size if isinstance(size, int) else -1 for size in value.shape]
        return len(self._tensors) - 1

    def constant(
        self, name: str, array: NDArray[Any], params: QuantParams | None = None, axis: int = 0
    ) -> int:
        """A tensor with fixed values; `axis` is where the scales of `params` lie."""
        self._buffers.append(_buffer(np.ascontiguousarray(array).tobytes()))
        self._tensor(name, array.shape, str(array.dtype), params, len(self._buffers) - 1, axis)
        return len(self._tensors) - 1

    def op(
        self, kind: str, inputs: Sequence[int], outputs: Sequence[int], options: str = "", **attributes: Any
    ) -> None:
        """One operator; `options` names its table of attributes."""
        code = getattr(schema.BuiltinOperator, kind)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes.setdefault(code, len(self._codes))
        operator.inputs, operator.outputs = list(inputs), list(outputs)
        if options:
            operator.builtinOptionsType = getattr(schema.BuiltinOptions, options)
            operator.builtinOptions = getattr(schema, f"{options}T")()
            for name, value in attributes.items():
                setattr(operator.builtinOptions, name, value)
        self._operators.append(operator)

    def finish(self, name: str, inputs: Sequence[int], outputs: Sequence[int]) -> bytes:
        """The file."""
        subgraph = schema.SubGraphT()
        subgraph.tensors, subgraph.operators, subgraph.name = self._tensors, self._operators, name
        subgraph.inputs, subgraph.outputs = list(inputs), list(outputs)
        model = schema.ModelT()
        model.version, model.description = VERSION, "clika-core"
        model.operatorCodes = [_operator_code(code) for code in self._codes]
        model.subgraphs, model.buffers = [subgraph], self._buffers
        packer = flatbuffers.Builder(1024)
        packer.Finish(model.Pack(packer), b"TFL3")
        return bytes(packer.Output())

    def _tensor(
        self,
        name: str,
        shape: Sequence[int],
        dtype: str,
        params: QuantParams | None,
        buffer: int,
        axis: int = 0,
    ) -> Any:
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), tensor_type(dtype), buffer
        tensor.hasRank = True
        if params is not None:
            tensor.quantization = _quantization(params, axis)
        self._tensors.append(tensor)
        return tensor


def _quantization(params: QuantParams, axis: int) -> Any:
    found = schema.QuantizationParametersT()
    found.scale = [float(scale) for scale in np.atleast_1d(params.scale)]
    found.zeroPoint = [int(zero) for zero in np.atleast_1d(params.zero_point)]
    found.quantizedDimension = axis
    return found


def _buffer(data: bytes | None) -> Any:
    buffer = schema.BufferT()
    if data is not None:
        buffer.data = np.frombuffer(data, np.uint8)
    return buffer


def _operator_code(code: int) -> Any:
    found = schema.OperatorCodeT()
    found.builtinCode, found.deprecatedBuiltinCode = code, min(code, 127)
    found.version = _VERSIONS.get(code, 2)
    return found

"""`Layer`: what a writer is given, and the words it writes with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from numpy.typing import NDArray

from clika_core.errors import OutputError
from clika_core.ir.channels import channel_axis
from clika_core.ir.graph import Node, Value
from clika_core.numerics import QuantParams, bias_params, quantize, quantize_bias
from clika_core.simulation.layer_spec import LayerSpec
from clika_tensorflow.tflite.builder import TfliteBuilder

Writer: TypeAlias = Callable[["Layer"], None]

_FUSED: Final = {
    "": schema.ActivationFunctionType.NONE,
    "relu": schema.ActivationFunctionType.RELU,
    "relu6": schema.ActivationFunctionType.RELU6,
}


@dataclass(frozen=True)
class Layer:
    """One layer about to be written; its operands are all int8 in an integer layer, all float in a float one.

    `inputs` and `arrays` hold operands by role: tensors, and what is constant. `fused` is the activation of the
    layer's group, `outputs` are the tensors it computes.
    """

    builder: TfliteBuilder
    node: Node
    values: Mapping[str, Value]
    inputs: Mapping[str, int]
    arrays: Mapping[str, NDArray[Any]]
    spec: LayerSpec | None
    fused: str
    outputs: tuple[int, ...]

    @property
    def activation(self) -> int:
        """The fused activation, as the format numbers it."""
        return int(_FUSED[self.fused])

    @property
    def result(self) -> Value:
        """What the layer computes."""
        return self.node.outputs[0]

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute of the layer."""
        return self.node.attributes.get(name, default)

    def refusal(self, found: str, expected: str) -> OutputError:
        """The error of a layer that cannot be written."""
        where = f" ({self.node.path})" if self.node.path else ""
        return OutputError(
            f"layer {self.node.name!r}{where} cannot be written to tflite", found=found, expected=expected
        )

    def write(self, kind: str, operands: Sequence[int], options: str = "", **attributes: Any) -> None:
        """The operator that computes the layer's outputs."""
        self.builder.op(kind, operands, self.outputs, options, **attributes)

    def one(
        self,
        kind: str,
        operands: Sequence[int],
        value: Value | None = None,
        options: str = "",
        params: QuantParams | None = None,
        **attributes: Any,
    ) -> int:
        """An operator on the way to the result; its tensor is like the result where no `value` is given."""
        name = f"{self.node.name}_{kind.lower()}"
        tensor = self.builder.value(name, value or self.result, params)
        self.builder.op(kind, operands, [tensor], options, **attributes)
        return tensor

    def constant(self, stem: str, array: Any, params: QuantParams | None = None) -> int:
        """A tensor with fixed values; floating-point numbers are float32."""
        found = np.asarray(array)
        return self.builder.constant(
            f"{self.node.name}_{stem}",
            found.astype(np.float32) if found.dtype == np.float64 else found,
            params,
        )

    def numbers(self, stem: str, numbers: Any) -> int:
        """A constant of int32 numbers."""
        return self.constant(stem, np.asarray(numbers, np.int32))

    def weight(self, array: NDArray[Any], order: Sequence[int], channels: int = 0) -> int:
        """The weight with its axes in another order; the channels of its scales are axis `channels` before."""
        params = self.spec.weights["weight"] if self.spec is not None else None
        codes = array.astype(np.float32) if params is None else quantize(array, params)
        return self.builder.constant(
            f"{self.node.name}_weight", codes.transpose(order), params, axis=list(order).index(channels)
        )

    def bias(self, channels: int) -> int:
        """The bias as int32 codes, or as float; zeros where there is none, which every kernel wants."""
        bias = self.arrays.get("bias", np.zeros(channels, np.float32))
        if self.spec is None:
            return self.constant("bias", bias.astype(np.float32))
        inputs, weight = self.spec.inputs[0], self.spec.weights["weight"]
        assert inputs is not None
        codes = quantize_bias(bias, inputs, weight)
        return self.constant("bias", codes.astype(np.int32), bias_params(inputs, weight))

    def operands(self, *roles: str) -> list[int]:
        """Operands in order: values, constants, and numbers in the dtype of what they meet."""
        return [self.operand(role) for role in roles or ("input", "other")]

    def operand(self, role: str) -> int:
        """One operand. Raises OutputError where the layer has none in that role."""
        if role in self.inputs:
            return self.inputs[role]
        held = self.arrays.get(role, self.attribute(role))
        if held is None:
            raise self.refusal(
                f"no operand {role!r}", f"one beside {', '.join((*self.inputs, *self.arrays))}"
            )
        array = np.asarray(held, self._dtype if role not in self.arrays else None)
        params = self.spec.weights.get(role) if self.spec is not None else None
        return self.constant(role, array if params is None else quantize(array, params), params)

    @property
    def _dtype(self) -> str:
        """That of the result, or where it is a truth value, of the first operand."""
        return self.result.dtype if self.result.dtype != "bool" else next(iter(self.values.values())).dtype

    def needs_channels_last(self) -> None:
        """Raise OutputError for a layer over space whose channels are elsewhere."""
        if channel_axis(self.node) != len(self.values["input"].shape) - 1:
            raise self.refusal("channels that are not on the last axis", "a model with channels last")


def reshaped(value: Value, sizes: Mapping[int, int]) -> Value:
    """The value with other sizes along some axes."""
    shape, example = list(value.shape), list(value.example_shape)
    for axis, size in sizes.items():
        shape[axis] = example[axis] = size
    return replace(value, shape=tuple(shape), example_shape=tuple(example))

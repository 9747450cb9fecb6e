"""What a lowering is given: the layer, the ONNX names of its operands, and the builder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from clika_core.deployment import qdq
from clika_core.deployment.onnx_builder import OnnxBuilder, element_type
from clika_core.errors import OutputError
from clika_core.ir.graph import AttributeValue, Node, Shape, Value
from clika_core.simulation.layer_spec import LayerSpec

_REPEATING: Final = frozenset({"expand", "repeat"})
"""Layers that repeat what they are given by themselves."""


@dataclass(frozen=True)
class LoweringContext:
    """One layer about to be written, with channels on axis 1.

    `values` are shapes and dtypes of the operands that are no weights, by role; `inputs` and
    `weights` map roles to ONNX names. `spec` is set for an integer layer: a lowering that needs a
    value between two ONNX operators puts it behind a pair of the right parameters (`requantized`). `ranges` are
    operands that count 0, 1, 2, ... along an axis of free size: their shapes, with -1 for that axis. `halves` are
    the names of what is above zero and below, by the name of their sum.
    """

    builder: OnnxBuilder
    node: Node
    values: Mapping[str, Value]
    inputs: Mapping[str, str]
    weights: Mapping[str, str]
    spec: LayerSpec | None
    ranges: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    halves: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    def operand(self, role: str) -> str:
        """The name of an operand: an input, a weight, or a number given as attribute."""
        name = self.optional(role)
        if name is None:
            raise OutputError(f"{self.node.type} layer {self.node.name!r} has no operand {role!r}")
        return name

    def optional(self, role: str) -> str | None:
        """The name of an operand, or None where the layer has none in that role."""
        found = self.inputs.get(role) or self.weights.get(role)
        number = self.node.attributes.get(role)
        if found is None and isinstance(number, int | float):
            return self._number(role)
        if found is None and isinstance(number, str):
            return self.cast(self.scalar(number), self._number_dtype())
        return found

    def scalar(self, size: int | str) -> str:
        """A size as an int64 number without axes: fixed, or an expression of free ones."""
        if isinstance(size, int):
            return self.constant(np.int64(size), "size")
        return self.one("Squeeze", self.builder.size(size))

    def counted(self, count: str) -> str:
        """0, 1, 2, ... up to a count, an int64 number without axes."""
        first, step = (self.constant(np.int64(number), "bound") for number in (0, 1))
        return self.one("Range", first, count, step)

    def bound(self, size: int | str, stem: str) -> str:
        """A size as an int64 tensor of one element, as ONNX takes starts, ends and counts."""
        return self.builder.size(size) if isinstance(size, str) else self.constant([size], stem)

    def _number(self, role: str) -> str:
        """A number as operand: in the dtype of what it meets, a constant activation where the layer is integer."""
        number, stem = self.node.attributes[role], f"{self.node.name}_{role}"
        if self.spec is not None and role in self.spec.weights:
            return qdq.stored(self.builder, np.asarray(number, np.float32), self.spec.weights[role], stem)
        dtype = self._number_dtype().replace("bfloat16", "float32")
        return self.builder.constant(np.asarray(number, dtype), stem)

    def _number_dtype(self) -> str:
        """The dtype of what a number meets: the result's, of a comparison that of the other operand."""
        is_comparison = self.value().dtype == "bool" and self.node.inputs
        return self.values[self.node.inputs[0].role].dtype if is_comparison else self.value().dtype

    def has(self, role: str) -> bool:
        """Whether the layer has the operand, as a value or as a weight."""
        return role in self.inputs or role in self.weights

    def dtype_of(self, role: str) -> str:
        """The dtype of an operand that is a value or a weight."""
        weight = self.node.weight(role)
        return weight.dtype if weight is not None else self.input_value(role).dtype

    def alike(self, role: str) -> str:
        """An operand in the dtype of the result: what a framework converts by itself."""
        name = self.operand(role)
        if not self.has(role) or self.dtype_of(role) == self.value().dtype:
            return name
        return self.cast(name, self.value().dtype)

    def cast(self, name: str, dtype: str) -> str:
        """A value in another dtype."""
        return self.one("Cast", name, to=element_type(dtype))

    def number(self, value: Any, stem: str) -> str:
        """A number in the dtype of the result."""
        return self.constant(np.asarray(value, self.value().dtype), stem)

    def attribute(self, name: str, default: AttributeValue = None) -> Any:
        """An attribute of the layer, or `default`."""
        return self.node.attributes.get(name, default)

    def value(self, port: int = 0) -> Value:
        """The value at an output port."""
        return self.node.outputs[port]

    def input_value(self, role: str = "input") -> Value:
        """The value of an operand; of a weight, as it is stored: of size 1 where it is repeated."""
        value, weight = self.values.get(role), self.node.weight(role)
        if value is None and weight is not None:
            return Value(weight.dtype, weight.shape, weight.shape)
        if value is None:
            raise OutputError(f"{self.node.type} layer {self.node.name!r} has no operand {role!r}")
        return value

    def for_every_sample(self, name: str, port: int) -> str:
        """The result of a layer on constants alone, repeated along the axes whose size is free to change."""
        wanted = self.value(port).shape
        is_alone = not self.node.inputs and any(self.node.weight(role) for role in ("input", "value"))
        if not is_alone or self.node.type in _REPEATING or all(isinstance(size, int) for size in wanted):
            return name
        return self.one("Expand", name, self.sizes(wanted))

    def op(self, type_: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> list[str]:
        """One ONNX node named after the layer."""
        return self.builder.op(type_, inputs, self.node.name, attributes, outputs)

    def one(self, type_: str, *inputs: str, **attributes: Any) -> str:
        """One ONNX node with one output."""
        return self.op(type_, inputs, **attributes)[0]

    def constant(self, value: Any, stem: str) -> str:
        """An initializer named after the layer; Python floats become float32."""
        array = np.asarray(value)
        return self.builder.constant(
            array.astype(np.float32) if array.dtype == np.float64 else array, f"{self.node.name}_{stem}"
        )

    def refusal(self, found: str, expected: str) -> OutputError:
        """The error of a layer whose type can be written, but not with these attributes."""
        where = f" ({self.node.path})" if self.node.path else ""
        return OutputError(
            f"layer {self.node.name!r}{where} cannot be written to ONNX", found=found, expected=expected
        )

    def requantized(self, name: str, of: str) -> str:
        """`name` behind a pair with the parameters of the layer's `output` or an operand; as it is in a float layer,
        or where it is not rounded.

        For a value between two ONNX operators of one integer layer that only moved codes.
        """
        if self.spec is None:
            return name
        params = self.spec.outputs[0] if of == "output" else self.spec.operands[of]
        if params is None:
            return name
        return qdq.pair(self.builder, name, params, f"{self.node.name}_{of}")[1]

    def shape(self, shape: Shape) -> str:
        """An int64 tensor holding `shape`: constant where at most one size is free, else put together."""
        free = [axis for axis, size in enumerate(shape) if isinstance(size, str) or size == -1]
        if len(free) <= 1:
            return self.constant([-1 if axis in free else size for axis, size in enumerate(shape)], "shape")
        return self.sizes(shape)

    def sizes(self, shape: Shape) -> str:
        """An int64 tensor holding sizes none of which is left to the operator to find."""
        if all(isinstance(size, int) for size in shape):
            return self.constant(list(shape), "sizes")
        return self.one("Concat", *(self.bound(size, "size") for size in shape), axis=0)

    @property
    def element_type(self) -> int:
        """The ONNX element type of the first output."""
        return element_type(self.value().dtype)

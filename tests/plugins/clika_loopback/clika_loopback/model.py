"""`LoopbackModel`: a model written down operation by operation, and called like a function.

    model = LoopbackModel("net")
    x = model.input("x", ("n", 3, 8, 8))
    h = model.op("conv", x, weight=np.ones((4, 3, 3, 3), np.float32), padding=((1, 1), (1, 1)))
    model.output(model.op("relu", h))
    y = model(np.zeros((2, 3, 8, 8), np.float32))

A string in an input's shape is a size that is free to change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import ModelError
from clika_core.ir.operators import OPERATORS
from clika_core.ir.recording import Ref
from clika_loopback.inputs import Input, take
from clika_loopback.kernels import KERNELS, compute


@dataclass(frozen=True, slots=True)
class Operation:
    """One call: its type, its operands by role, its attributes as written, the path of its module."""

    id: str
    type: str
    operands: tuple[tuple[str, Ref], ...]
    attributes: Mapping[str, Any]
    path: str | None = None


class LoopbackModel:
    """Inputs, parameters by name, operations in order, and outputs. Calling it computes in NumPy."""

    def __init__(self, name: str = "model") -> None:
        """Nothing in it yet."""
        self.name = name
        self.inputs: dict[str, Input] = {}
        self.parameters: dict[str, NDArray[Any]] = {}
        self.operations: list[Operation] = []
        self.outputs: list[tuple[str, Ref]] = []

    def input(self, name: str, shape: Sequence[int | str], dtype: str = "float32") -> Ref:
        """An argument of the model."""
        self.inputs[name] = Input(name, tuple(shape), dtype)
        return Ref(name)

    def parameter(self, name: str, values: NDArray[Any]) -> Ref:
        """A parameter; to be read by several operations it is made once."""
        self.parameters[name] = values
        return Ref(name)

    def op(
        self, type_name: str, *operands: Ref | NDArray[Any] | float, path: str | None = None, **named: Any
    ) -> Ref:
        """An operation on operands in the vocabulary's order; returns its first result.

        An array, in order or by role, becomes a parameter named `<path or operation>.<role>`; what else is given by
        name is an attribute. Another result is `Ref(result.record, port)`. Raises ModelError for a type that is
        not computed here.
        """
        if type_name not in KERNELS:
            raise ModelError(f"loopback computes no {type_name!r}", expected=", ".join(sorted(KERNELS)))
        given = {
            OPERATORS[type_name].role(position): value for position, value in enumerate(operands)
        } | named
        own = f"{type_name}:{len(self.operations)}"
        references = {
            role: value if isinstance(value, Ref) else self.parameter(f"{path or own}.{role}", value)
            for role, value in given.items()
            if isinstance(value, Ref | np.ndarray)
        }
        attributes = {role: value for role, value in given.items() if role not in references}
        self.operations.append(Operation(own, type_name, tuple(references.items()), attributes, path))
        return Ref(own)

    def output(self, ref: Ref, path: str = "") -> None:
        """One leaf of the result: a single one is the result itself, named ones make a dict, others a tuple."""
        self.outputs.append((path, ref))

    def evaluate(self, arrays: Mapping[str, NDArray[Any]]) -> dict[Ref, NDArray[Any]]:
        """Every value that is computed from these inputs."""
        values = {Ref(name): array for name, array in (*arrays.items(), *self.parameters.items())}
        for operation in self.operations:
            operands = {role: values[ref] for role, ref in operation.operands}
            results = compute(operation.type, operands, operation.attributes)
            values.update((Ref(operation.id, port), result) for port, result in enumerate(results))
        return values

    def build_result(self, leaves: Sequence[Any]) -> Any:
        """The model's result from its leaves in order."""
        paths = [path for path, _ in self.outputs]
        if all(paths):
            return dict(zip(paths, leaves, strict=True))
        return leaves[0] if len(leaves) == 1 else tuple(leaves)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result for arrays in the order of the inputs, or by their names."""
        values = self.evaluate(take(self.inputs, kwargs or args))
        return self.build_result([values[ref] for _, ref in self.outputs])

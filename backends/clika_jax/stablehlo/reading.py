"""Looks into a `.stablehlo` file: what each layer computes, and the constants that it computes with.

The writer puts every layer in a name scope, which stands in the locations of the program's operations. A function
that several layers call belongs to each of them while it is called.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from jax import export
from jax.extend.mlir import ir
from jax.extend.mlir.dialects import stablehlo
from numpy.typing import NDArray

from clika_core.errors import OutputError

_PLUMBING: Final = frozenset(
    "constant convert broadcast_in_dim dynamic_broadcast_in_dim reshape dynamic_reshape concatenate "
    "get_dimension_size compare select and or case custom_call return call func".split()
)
"""What prepares operands; of a layer that does nothing else it is shown as well."""

_ON_THE_WAY: Final = frozenset("convert reshape transpose broadcast_in_dim reverse".split())


@dataclass(slots=True)
class Inside:
    """One layer: its operations by name, in order, and the constants that they read."""

    operations: list[str] = field(default_factory=list)
    constants: list[NDArray[Any]] = field(default_factory=list)

    @property
    def kernels(self) -> list[str]:
        """The operations that compute or move something."""
        return list(dict.fromkeys(name for name in self.operations if name not in _PLUMBING))

    @property
    def stored(self) -> list[NDArray[Any]]:
        """Constants of 8 bits: codes."""
        return [array for array in self.constants if array.dtype in (np.int8, np.uint8)]

    @property
    def floats(self) -> list[NDArray[Any]]:
        """Constants of 32 bits and more in floating point."""
        return [array for array in self.constants if array.dtype.kind == "f"]


def read(path: Path, layers: Collection[str]) -> dict[str, Inside]:
    """What is in a file, by layer. Raises OutputError for a file that is none of `jax.export`."""
    try:
        serialized = export.deserialize(bytearray(path.read_bytes())).mlir_module_serialized
        with ir.Context() as context:
            stablehlo.register_dialect(context)
            return _Reader(stablehlo.deserialize_portable_artifact(context, serialized), layers).read()
    except Exception as problem:  # a damaged file fails in many ways
        raise OutputError(
            f"{path} cannot be read as an artefact of jax.export",
            found=str(problem).splitlines()[0] or "no artefact",
        ) from problem


class _Reader:
    """Walks the program from its entry; `_functions` are the private ones by name."""

    def __init__(self, module: Any, layers: Collection[str]) -> None:
        self._module, self._layers = module, frozenset(layers)  # operations live as long as their module
        self._functions = {
            str(ir.StringAttr(function.attributes["sym_name"]).value): function
            for function in module.body.operations
        }
        self._found: dict[str, Inside] = {}

    def read(self) -> dict[str, Inside]:
        self._walk(self._functions["main"], None)
        return self._found

    def _walk(self, parent: Any, layer: str | None) -> None:
        for region in parent.regions:
            for block in region.blocks:
                for operation in block.operations:
                    self._visit(operation.operation, self._layer(operation) or layer)

    def _visit(self, operation: Any, layer: str | None) -> None:
        name = operation.name.partition(".")[2]
        if layer is not None:
            inside = self._found.setdefault(layer, Inside())
            inside.operations.append(name)
            inside.constants.extend(self._constants(operation))
        if name == "call":
            callee = ir.FlatSymbolRefAttr(operation.attributes["callee"]).value
            self._walk(self._functions[callee], layer)
        self._walk(operation, layer)

    def _layer(self, operation: Any) -> str | None:
        """The innermost layer among the scopes of a location."""
        scopes = str(operation.location).replace('"', "/").split("/")
        return next((scope for scope in reversed(scopes) if scope in self._layers), None)

    def _constants(self, operation: Any) -> Iterator[NDArray[Any]]:
        for operand in operation.operands:
            owner = operand.owner
            if isinstance(owner, ir.Block):
                continue
            if owner.name == "stablehlo.constant":
                yield _array(owner)
            elif owner.name.partition(".")[2] in _ON_THE_WAY and self._layer(owner) is None:
                yield from self._constants(owner)


def _array(constant: Any) -> NDArray[Any]:
    return np.array(ir.DenseElementsAttr(constant.attributes["value"]))

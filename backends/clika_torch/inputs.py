"""Inputs as the traced model takes them: arrays in order, checked against the trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from clika_core.backend.fit import check_fit
from clika_core.backend.signature import Signature
from clika_core.errors import DataError
from clika_core.ir.graph import Node
from clika_torch.dtypes import dtype_name
from clika_torch.structure import Flat, flatten
from clika_torch.widening import widened_tensor


def as_tensors(leaves: Iterable[Any], device: torch.device | None = None) -> list[Tensor]:
    """Leaves as tensors, on `device` where one is given."""
    tensors = map(_as_tensor, leaves)
    return list(tensors) if device is None else [tensor.to(device) for tensor in tensors]


def _as_tensor(leaf: Any) -> Tensor:
    if isinstance(leaf, np.ndarray):
        return torch.from_numpy(leaf if leaf.flags.writeable else leaf.copy())
    tensor: Tensor = leaf
    return tensor


@dataclass(frozen=True, slots=True)
class InputLayout:
    """What a traced model was given: the arguments it was traced with, taken apart."""

    signature: Signature
    example: Flat

    def take(self, inputs: Any) -> list[Any]:
        """The arrays in `inputs`, given as users give them, in the order of the trace; raises DataError."""
        return self.take_call(*self.signature.call_form(inputs))

    def take_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        """The same for the arguments of a call."""
        try:
            arguments = self.signature.bind(args, kwargs)
        except TypeError as error:
            raise self._misfit(str(error)) from error
        found, expected = flatten(arguments), self.example
        missing = [path for path in expected.leaves if path not in found.leaves]
        unexpected = [path for path in found.leaves if path not in expected.leaves]
        if missing or unexpected:
            raise self._misfit(
                f"missing: {', '.join(missing) or '-'}; not known: {', '.join(unexpected) or '-'}"
            )
        for path, value in expected.constants.items():
            if path in found.constants and not _is_same(value, found.constants[path]):
                raise DataError(
                    f"argument {path!r} is part of the traced model and cannot change",
                    found=repr(found.constants[path]),
                    expected=repr(value),
                    fix="trace the model again with this value",
                )
        return [found.leaves[path] for path in expected.leaves]

    def _misfit(self, found: str) -> DataError:
        return DataError(
            "these inputs are not what the model was traced with",
            found=found,
            expected=", ".join(self.example.leaves),
            fix="give a tuple in the order of forward's arguments, or a dict by their names",
        )


def _is_same(first: Any, second: Any) -> bool:
    return first is second or bool(first == second)


def fitting_tensors(arrays: Sequence[Tensor], nodes: Sequence[Node]) -> list[Tensor]:
    """The tensors, in float32 where that is what an input is traced with and the tensor is in half precision.

    Raises DataError naming the input unless each has the dtype and the shape of its input node.
    """
    fitting = [
        widened_tensor(array) if node.outputs[0].dtype == "float32" else array
        for array, node in zip(arrays, nodes, strict=True)
    ]
    found = [(dtype_name(array.dtype), tuple(array.shape)) for array in fitting]
    check_fit(found, nodes, conversion=".to(torch.{dtype}) in torch")
    return fitting

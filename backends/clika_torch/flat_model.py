"""`FlatModel`: a model that takes its arrays in order and returns its arrays in order, for `torch.export`.

Export knows few kinds of containers and wants to be told about dataclasses. Wrapped like this a model may take
and return whatever `structure` can take apart, and nothing is registered with torch.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import torch
from torch import Tensor, nn

from clika_core.errors import TraceError
from clika_torch.structure import Flat, flatten

PREFIX = "model"
"""The attribute that holds the user's model: module paths and parameter names begin with it."""

_PLAIN = (
    type(None),
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    type,
    Enum,
    torch.dtype,
    torch.device,
    torch.Size,
)


@dataclass
class Result:
    """What the model returned when it was last called, taken apart."""

    flat: Flat | None = None


class FlatModel(nn.Module):
    """`forward(*arrays)` gives the leaves of the model's result, and keeps its structure in `result`."""

    def __init__(self, model: nn.Module, call: Flat, order: Sequence[int]) -> None:
        """Take the model and an example `(args, kwargs)`, whose leaf k is replaced by array `order[k]`."""
        super().__init__()
        self.model = model
        self._call = call
        self._order = tuple(order)
        self._result = Result()

    def forward(self, *arrays: Tensor) -> tuple[Any, ...]:
        """Arrays in the order of the graph's inputs."""
        args, kwargs = self._call.build([arrays[index] for index in self._order])
        flat = flatten(self.model(*args, **kwargs))
        for path, constant in flat.constants.items():
            _check_plain(path, constant)
        self._result.flat = flat
        return tuple(flat.leaves.values())

    @property
    def result(self) -> Flat:
        """The result of the last call, taken apart; its leaves are those of the trace."""
        if self._result.flat is None:
            raise RuntimeError("the model has not been called")
        return self._result.flat


def _check_plain(path: str, constant: Any) -> None:
    """Refuse a result that may hide arrays."""
    if not isinstance(constant, _PLAIN):
        raise TraceError(
            "the model returns an object that cannot be taken apart",
            found=f"{type(constant).__module__}.{type(constant).__qualname__} at {repr(path) if path else 'the top'}",
            expected="tensors in dicts, lists, tuples, named tuples or dataclasses",
            fix="return the tensors themselves, or make the class a dataclass",
        )


def shallow_copy(model: nn.Module) -> nn.Module:
    """A copy of the modules in evaluation mode that shares every tensor: tracing it leaves `model` as it is."""
    shared = {id(tensor): tensor for module in model.modules() for tensor in _tensors(module)}
    return copy.deepcopy(model, dict(shared)).eval()


def _tensors(module: nn.Module) -> list[Tensor]:
    registered = [*module._parameters.values(), *module._buffers.values(), *vars(module).values()]
    return [value for value in registered if isinstance(value, Tensor)]

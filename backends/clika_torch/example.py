"""`Example`: the inputs that a model is traced with, as the user's call and as the graph's inputs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from clika_core.backend.signature import Signature
from clika_core.errors import TraceError
from clika_core.ir.naming import Names, input_names
from clika_torch.inputs import InputLayout, as_tensors
from clika_torch.structure import Flat, flatten


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """The call `(args, kwargs)` taken apart, the arrays in the order of the graph's inputs, and how they relate.

    Leaf k of the call is array `order[k]`. The model is called exactly as the user calls it: what wraps `forward`
    may tell positional arguments from named ones.
    """

    call: Flat
    order: tuple[int, ...]
    arrays: list[Tensor]
    layout: InputLayout

    @property
    def names(self) -> list[str]:
        """The names that the inputs have in the graph, beside `arrays`."""
        signature, leaves = self.layout.signature, self.layout.example.leaves
        return input_names([signature.argument_path(path) for path in leaves], Names())

    @classmethod
    def of(cls, signature: Signature, inputs: Any, device: torch.device | None) -> Example:
        """Take example inputs apart; raises TraceError where they do not fit `forward`."""
        args, kwargs = signature.call_form(inputs)
        arguments = _bind(signature, args, kwargs)
        call, named = flatten((args, kwargs)), flatten(arguments)
        places: defaultdict[int, list[int]] = defaultdict(list)
        for position, leaf in enumerate(named.leaves.values()):
            places[id(leaf)].append(position)
        order = tuple(places[id(leaf)].pop(0) for leaf in call.leaves.values())
        arrays = _apart(as_tensors(named.leaves.values(), device))
        return cls(call.without_arrays(), order, arrays, InputLayout(signature, named.without_arrays()))


def _apart(arrays: list[Tensor]) -> list[Tensor]:
    """The same values, each a tensor of its own: export takes one tensor given twice for one input."""
    seen: set[int] = set()
    apart = []
    for array in arrays:
        place = array.untyped_storage().data_ptr()
        apart.append(array.clone() if place in seen else array)
        seen.add(place)
    return apart


def _bind(signature: Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return signature.bind(args, kwargs)
    except TypeError as error:
        raise TraceError(
            f"the example inputs do not fit the model's forward{signature.parameters}",
            found=str(error),
            fix="give a tuple in the order of forward's arguments, or a dict by their names",
        ) from error

"""Example inputs: a call of the model taken apart, and how later inputs are brought into the same order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from clika_core.backend.fit import check_fit
from clika_core.errors import DataError, TraceError
from clika_core.ir.graph import Node
from clika_tensorflow.callable_model import CallableModel
from clika_tensorflow.dtypes import dtype_name
from clika_tensorflow.structure import Flat, flatten


def as_tensors(leaves: Iterable[Any]) -> list[Any]:
    """Leaves as tensors."""
    return [tf.convert_to_tensor(leaf) for leaf in leaves]


def check_tensors(arrays: Sequence[Any], nodes: Sequence[Node]) -> None:
    """Raise DataError naming the input unless each tensor has the dtype and the shape of its input node.

    A size that a compiled function leaves open is taken for the one that is wanted.
    """
    found = []
    for array, node in zip(arrays, nodes, strict=True):
        sizes = array.shape.as_list() if array.shape.rank is not None else []
        wanted = node.outputs[0].example_shape
        known = [w if s is None else s for s, w in zip(sizes, wanted, strict=False)] + sizes[len(wanted) :]
        found.append((dtype_name(array.dtype), tuple(known)))
    check_fit(found, nodes, conversion="tf.cast(x, '{dtype}') in TensorFlow")


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """The call `(args, kwargs)` of a model taken apart, its arguments by name, and the arrays in their order.

    Leaf k of the call is array `order[k]`.
    """

    callable_model: CallableModel
    call: Flat
    named: Flat
    order: tuple[int, ...]
    arrays: tuple[Any, ...]

    @classmethod
    def of(cls, callable_model: CallableModel, inputs: Any) -> Example:
        """Take example inputs apart; raises TraceError where they do not fit the model's arguments."""
        args, kwargs = callable_model.call_form(inputs)
        try:
            arguments = callable_model.signature.bind(args, kwargs)
        except TypeError as error:
            raise TraceError(
                f"the example inputs do not fit the model's arguments {callable_model.signature.parameters}",
                found=str(error),
                fix="give a tuple in the order of the arguments, or a dict by their names",
            ) from error
        call, named = flatten((args, kwargs)), flatten(arguments)
        if not named.leaves:
            raise TraceError(
                "the example inputs hold no array", expected="at least one", found=repr(arguments)
            )
        places: defaultdict[int, list[int]] = defaultdict(list)
        for position, leaf in enumerate(named.leaves.values()):
            places[id(leaf)].append(position)
        order = tuple(places[id(leaf)].pop(0) for leaf in call.leaves.values())
        arrays = tuple(as_tensors(named.leaves.values()))
        return cls(callable_model, call.without_arrays(), named.without_arrays(), order, arrays)

    def build_call(self, arrays: Sequence[Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The `(args, kwargs)` of a call with other arrays."""
        args, kwargs = self.call.build([arrays[index] for index in self.order])
        return args, kwargs

    @property
    def paths(self) -> list[str | None]:
        """The name that each array deserves."""
        return [self.callable_model.input_path(path) for path in self.named.leaves]

    def take(self, inputs: Any) -> list[Any]:
        """The arrays in `inputs`, given as users give them, in the order of the trace; raises DataError."""
        return self.take_call(*self.callable_model.call_form(inputs))

    def take_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        """The same for the arguments of a call."""
        try:
            found = flatten(self.callable_model.signature.bind(args, kwargs))
        except TypeError as error:
            raise self._misfit(str(error)) from error
        missing = [path for path in self.named.leaves if path not in found.leaves]
        unexpected = [path for path in found.leaves if path not in self.named.leaves]
        if missing or unexpected:
            raise self._misfit(
                f"missing: {', '.join(missing) or '-'}; not known: {', '.join(unexpected) or '-'}"
            )
        for path, value in self.named.constants.items():
            if found.constants.get(path, value) != value:
                raise DataError(
                    f"argument {path!r} is part of the traced model and cannot change",
                    found=repr(found.constants[path]),
                    expected=repr(value),
                    fix="trace the model again with this value",
                )
        return [found.leaves[path] for path in self.named.leaves]

    def _misfit(self, found: str) -> DataError:
        return DataError(
            "these inputs are not what the model was traced with",
            found=found,
            expected=", ".join(self.named.leaves),
            fix="give a tuple in the order of the arguments, or a dict by their names",
        )

    def enlarged(self, more: int) -> tuple[Any, ...]:
        """The arrays with `more` samples more along the first axis: the first one again."""
        return tuple(
            array if array.shape.rank == 0 else tf.concat([array, *[array[:1]] * more], 0)
            for array in self.arrays
        )


def to_numpy(array: Any) -> np.ndarray[Any, Any]:
    """A NumPy copy; bfloat16, which NumPy does not have, as float32."""
    held = tf.convert_to_tensor(array)
    return np.array(tf.cast(held, tf.float32) if held.dtype == tf.bfloat16 else held)

"""Example inputs: a call of the model taken apart, and how later inputs are brought into the same order."""

from __future__ import annotations

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
    """The call `(args, kwargs)` of a model taken apart, and the arrays in it as tensors, in order."""

    callable_model: CallableModel
    call: Flat
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
        arrays = tuple(as_tensors(flatten((args, kwargs)).leaves.values()))
        if not arrays:
            raise TraceError(
                "the example inputs hold no array", expected="at least one", found=repr(arguments)
            )
        return cls(callable_model, flatten((args, kwargs)).without_arrays(), arrays)

    @property
    def paths(self) -> list[str | None]:
        """The name that each array deserves."""
        args, kwargs = self.call.build([_Place(index) for index in range(len(self.arrays))])
        named = self.callable_model.signature.bind(args, kwargs)
        found = dict(_places(named, ""))
        return [self.callable_model.input_path(found[index]) for index in range(len(self.arrays))]

    def take(self, inputs: Any) -> list[Any]:
        """The arrays in `inputs`, given as users give them, in the order of the trace; raises DataError."""
        return self.take_call(*self.callable_model.call_form(inputs))

    def take_call(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        """The same for the arguments of a call."""
        found = flatten((args, dict(kwargs)))
        missing = [path for path in self.call.leaves if path not in found.leaves]
        unexpected = [path for path in found.leaves if path not in self.call.leaves]
        if missing or unexpected:
            raise DataError(
                "these inputs are not what the model was traced with",
                found=f"missing: {_shown(missing)}; not known: {_shown(unexpected)}",
                expected=_shown(list(self.call.leaves)),
                fix="give them as the example inputs were given",
            )
        for path, value in self.call.constants.items():
            if found.constants.get(path, value) != value:
                raise DataError(
                    f"argument {_shown([path])} is part of the traced model and cannot change",
                    found=repr(found.constants[path]),
                    expected=repr(value),
                    fix="trace the model again with this value",
                )
        return [found.leaves[path] for path in self.call.leaves]

    def enlarged(self, more: int) -> tuple[Any, ...]:
        """The arrays with `more` samples more along the first axis: the first one again."""
        return tuple(
            array if array.shape.rank == 0 else tf.concat([array, *[array[:1]] * more], 0)
            for array in self.arrays
        )


@dataclass(frozen=True, slots=True)
class _Place:
    """Stands where an array was."""

    index: int


def _places(value: Any, path: str) -> Iterable[tuple[int, str]]:
    if isinstance(value, _Place):
        yield value.index, path
        return
    items = (
        value.items()
        if isinstance(value, Mapping)
        else enumerate(value)
        if isinstance(value, list | tuple)
        else ()
    )
    for key, child in items:
        yield from _places(child, f"{path}.{key}" if path else str(key))


def _shown(paths: list[str]) -> str:
    """Paths without the position of the argument list: `0.0` is argument 0."""
    return ", ".join(path.partition(".")[2] for path in paths) or "-"


def to_numpy(array: Any) -> np.ndarray[Any, Any]:
    """A NumPy copy; bfloat16, which NumPy does not have, as float32."""
    held = tf.convert_to_tensor(array)
    return np.array(tf.cast(held, tf.float32) if held.dtype == tf.bfloat16 else held)

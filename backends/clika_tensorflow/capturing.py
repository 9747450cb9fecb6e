"""From a model and example inputs to a graph of TensorFlow operations, the batch free to change where it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from clika_core.errors import TraceError
from clika_tensorflow.example import Example
from clika_tensorflow.regions import Regions, watched
from clika_tensorflow.structure import Flat, flatten


@dataclass(frozen=True, slots=True, eq=False)
class Captured:
    """A graph with its inputs, the tensors the model returns, their structure, and the layers that were called."""

    graph: Any
    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    result: Flat
    regions: Regions
    is_batch_free: bool


def capture(example: Example, *, free_batch: bool) -> Captured:
    """Trace the model once. Raises whatever the model raises on symbolic tensors."""
    regions = Regions()
    found: list[Flat] = []

    def flat_model(*arrays: Any) -> list[Any]:
        args, kwargs = example.build_call(arrays)
        with watched(regions):
            result = flatten(example.callable_model.function(*args, **kwargs))
        _check(result)
        found.append(result)
        return list(result.leaves.values())

    specs = [_spec(array, free_batch) for array in example.arrays]
    concrete = tf.function(flat_model, autograph=False).get_concrete_function(*specs)
    graph = concrete.graph
    inputs = tuple(graph.inputs[: len(specs)])
    return Captured(graph, inputs, tuple(graph.outputs), found[-1].without_arrays(), regions, free_batch)


def _spec(array: Any, free_batch: bool) -> Any:
    shape: Sequence[int | None] = array.shape.as_list()
    if free_batch and shape:
        shape = [None, *shape[1:]]
    return tf.TensorSpec(shape, array.dtype)


def _check(result: Flat) -> None:
    """Refuse a result that may hide arrays."""
    for path, constant in result.constants.items():
        if constant is not None and not isinstance(constant, bool | int | float | str):
            raise TraceError(
                "the model returns an object that cannot be taken apart",
                found=f"{type(constant).__name__} at {repr(path) if path else 'the top'}",
                expected="tensors in dicts, lists, tuples, named tuples or dataclasses",
            )

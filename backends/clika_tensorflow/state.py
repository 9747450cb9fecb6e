"""`StateTensor`: a variable or constant of a trace, and what it is called in the user's model."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from clika_tensorflow.callable_model import keras_module
from clika_tensorflow.regions import Regions


@dataclass(frozen=True, slots=True, eq=False)
class StateTensor:
    """`value` is a `tf.Variable`, a tensor or a NumPy array; `is_parameter` says that it is trained."""

    name: str
    value: Any
    is_parameter: bool


def variable_names(model: Any, regions: Regions, graph: Any) -> dict[int, str]:
    """The names of all variables that the graph reads, by their handle's id: `stem.conv.kernel`, unique."""
    found: dict[int, str] = {}
    taken: set[str] = set()
    candidates = [
        *_of_layers(regions),
        *_of_module(model),
        *((v, v.name.partition(":")[0]) for v in graph.variables),
    ]
    for variable, name in candidates:
        key = variable.handle._id
        if key not in found:
            free, count = name, 2
            while free in taken:
                free, count = f"{name}_{count}", count + 1
            taken.add(free)
            found[key] = free
    return found


def _of_layers(regions: Regions) -> Iterator[tuple[Any, str]]:
    """Variables that a Keras layer made itself, below the layer's path."""
    for region in regions.calls:
        own = [*region.layer._trainable_variables, *region.layer._non_trainable_variables]
        for variable in own:
            if isinstance(variable._value, tf.Variable):
                yield variable._value, f"{region.path}.{variable.name}" if region.path else variable.name


def _of_module(model: Any) -> Iterator[tuple[Any, str]]:
    """Variables of a `tf.Module` by the attributes that lead to them."""
    keras = keras_module()
    if not isinstance(model, tf.Module) or (keras is not None and isinstance(model, keras.layers.Layer)):
        return
    for path, variable in model._flatten(predicate=lambda v: isinstance(v, tf.Variable), with_path=True):
        yield variable, ".".join(str(part) for part in path)

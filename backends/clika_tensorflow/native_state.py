"""The values that a native model makes variables of, each under the name it has in the user's model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from clika_core.backend.interpreter import LayerRole
from clika_tensorflow.dtypes import dtype_name, is_float
from clika_tensorflow.program import TracedProgram
from clika_tensorflow.traced_model import TensorFlowTracedModel

LEARNED: Final = "clika_scales"
"""What the names of learned scales begin with."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A learned scale, by the core's name."""

    name: str


Key: TypeAlias = "str | LayerRole | Scale"


@dataclass(frozen=True, slots=True, eq=False)
class OwnValue:
    """`key` is the id of a state, the operand of a layer that was replaced or added, or a learned scale."""

    key: Key
    name: str
    value: Any
    is_trained: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(self.value.shape)

    @property
    def dtype(self) -> str:
        """The name of its dtype."""
        return dtype_name(self.value.dtype)


def native_state(
    model: TensorFlowTracedModel, learned: Mapping[str, NDArray[np.float32]] | None = None
) -> list[OwnValue]:
    """Everything that a run of `model` reads, names unique; after it the `learned` scales.

    A replaced operand takes the name of the variable it stands for, an added one stands beside the layer's weight,
    else it is `<layer>.<role>`.
    """
    found: list[OwnValue] = []
    taken: set[str] = set()
    for key, name, value, is_trained in _wanted(model):
        free, count = name, 2
        while free in taken:
            free, count = f"{name}_{count}", count + 1
        taken.add(free)
        held = tf.convert_to_tensor(value)
        found.append(OwnValue(key, free, held, is_trained and is_float(held)))
    for name, scale in (learned or {}).items():
        found.append(OwnValue(Scale(name), f"{LEARNED}.{name}", tf.constant(scale), is_trained=True))
    return found


def _wanted(model: TensorFlowTracedModel) -> Iterator[tuple[Key, str, Any, bool]]:
    program = model.trace.program
    visited = {step.node.name for step in model.schedule.steps}
    for (layer, role), tensor in model.held.overrides.items():
        if tensor is not None and layer in visited:
            yield (layer, role), *_named(model, layer, role), tensor, _is_trained(model, layer, role)
    for name in program.state:
        if name in model.schedule.state:
            origin = program.state[name]
            yield name, origin.name, model.held.state[name], origin.is_parameter


def _named(model: TensorFlowTracedModel, layer: str, role: str) -> tuple[str]:
    weights = model.trace.regions[layer].weights
    own = origins(model.trace.program, weights[role].record) if role in weights else []
    if own:
        return (own[0].name,)
    beside = origins(model.trace.program, weights["weight"].record) if "weight" in weights else []
    return (f"{beside[0].name.rpartition('.')[0]}.{role}".lstrip(".") if beside else f"{layer}.{role}",)


def _is_trained(model: TensorFlowTracedModel, layer: str, role: str) -> bool:
    """Whether an operand is new, or a trained variable of the user's model has a part in it."""
    weights = model.trace.regions[layer].weights
    if role not in weights:
        return True
    return any(origin.is_parameter for origin in origins(model.trace.program, weights[role].record))


def origins(program: TracedProgram, record: str) -> list[Any]:
    """The variables and constants that a parametric value is computed from, variables first."""
    waiting, found = [record], []
    while waiting:
        name = waiting.pop()
        if name in program.state:
            found.append(program.state[name])
        elif name in program.operations:
            waiting.extend(ref.record for ref in program.operations[name].reads)
    return sorted(found, key=lambda origin: not isinstance(origin.value, tf.Variable))

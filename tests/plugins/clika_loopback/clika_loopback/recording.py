"""Tracing: a model and example inputs become a `Recording`.

Which sizes are free to change, and how sizes of results follow from them, is found by running the model once
more for every symbol, with one element more along its axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count, takewhile

import numpy as np
from numpy.typing import NDArray

from clika_core.errors import TraceError
from clika_core.ir.graph import Shape, Value
from clika_core.ir.recording import Record, RecordedOutput, Recording, RecordKind, Ref, SymbolicSize
from clika_loopback.attributes import Seen, neutral_attributes
from clika_loopback.model import LoopbackModel, Operation

Arrays = Mapping[str, NDArray[np.generic]]


def record(model: LoopbackModel, example: Arrays, name: str) -> Recording:
    """What running `model` on the example inputs shows. Raises TraceError where it cannot be run."""
    values = _values(model, example)
    inputs = [
        Record(entry.name, RecordKind.INPUT, outputs=(values[Ref(entry.name)],), path=entry.name)
        for entry in model.inputs.values()
    ]
    parameters = [
        Record(own, RecordKind.PARAMETER, outputs=(values[Ref(own)],), identity=own)
        for own in model.parameters
    ]
    operations = [_operation(operation, values) for operation in model.operations]
    outputs = tuple(RecordedOutput(ref, path) for path, ref in model.outputs)
    return Recording((*inputs, *parameters, *operations), outputs, name, "loopback", np.__version__)


def _operation(operation: Operation, values: Mapping[Ref, Value]) -> Record:
    ports = takewhile(values.__contains__, (Ref(operation.id, port) for port in count()))
    outputs = tuple(values[ref] for ref in ports)
    seen = Seen({role: values[ref] for role, ref in operation.operands}, outputs)
    return Record(
        operation.id,
        RecordKind.OPERATION,
        operation.type,
        operation.operands,
        outputs,
        neutral_attributes(operation.type, operation.attributes, seen),
        operation.path,
        (operation.id,),
    )


def _values(model: LoopbackModel, example: Arrays) -> dict[Ref, Value]:
    """Dtype and shapes of every value."""
    sizes = {
        size: example[entry.name].shape[axis]
        for entry in model.inputs.values()
        for axis, size in enumerate(entry.shape)
        if isinstance(size, str)
    }
    plain = _run(model, example)
    more = {symbol: _run(model, _enlarged(model, example, symbol)) for symbol in sizes}
    found: dict[Ref, Value] = {}
    for ref, array in plain.items():
        shape: Shape = tuple(
            _size(size, {symbol: run[ref].shape[axis] - size for symbol, run in more.items()}, sizes)
            for axis, size in enumerate(array.shape)
        )
        found[ref] = Value(str(array.dtype), shape, array.shape)
    return found


def _size(size: int, growth: Mapping[str, int], sizes: Mapping[str, int]) -> int | str:
    """`n`, `2*n`, `n + 1`: what explains that a size grew when a symbol did."""
    grown = {symbol: step for symbol, step in growth.items() if step}
    if not grown:
        return size
    if len(grown) > 1:
        return SymbolicSize("*".join(grown))
    ((symbol, step),) = grown.items()
    rest = size - step * sizes[symbol]
    product = symbol if step == 1 else f"{step}*{symbol}"
    return SymbolicSize(f"{product} + {rest}" if rest else product)


def _enlarged(model: LoopbackModel, example: Arrays, symbol: str) -> dict[str, NDArray[np.generic]]:
    """The example with one element more wherever `symbol` is a size: the first one again."""
    found = dict(example)
    for entry in model.inputs.values():
        for axis, size in enumerate(entry.shape):
            if size == symbol:
                array = found[entry.name]
                found[entry.name] = np.concatenate([array, array.take([0], axis)], axis)
    return found


def _run(model: LoopbackModel, arrays: Arrays) -> dict[Ref, NDArray[np.generic]]:
    try:
        return model.evaluate(arrays)
    except (ValueError, IndexError, KeyError) as error:
        shapes = ", ".join(f"{name} {list(array.shape)}" for name, array in arrays.items())
        raise TraceError(
            f"{model.name} cannot be run on {shapes}",
            found=str(error),
            expected="operations that fit each other for every size that inputs declare as free",
        ) from error

"""`RawCall`: one TensorFlow operation as a function of its inputs by name, with its attributes fixed."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import tensorflow as tf

from clika_core.errors import TraceError


@dataclass(frozen=True, slots=True, eq=False)
class RawCall:
    """`function(**inputs, **attributes)`; results come as a list.

    Attributes that hold a floating dtype follow where the call runs in another one.
    """

    type: str
    function: Any
    attributes: Mapping[str, Any]

    def __call__(self, arguments: Mapping[str, Any], dtype: str | None = None) -> list[Any]:
        """Compute the operation."""
        attributes = self.attributes
        if dtype is not None:
            attributes = {name: _adapted(value, dtype) for name, value in attributes.items()}
        result = self.function(**arguments, **attributes)
        return list(result) if isinstance(result, list | tuple) else [result]


def raw_call(operation: Any) -> tuple[RawCall, dict[str, Any]]:
    """The call, and the operation's input tensors by argument name, lists where an argument takes several.

    Raises TraceError for an operation that cannot be called from Python.
    """
    function = getattr(tf.raw_ops, operation.type, None)
    if function is None:
        raise TraceError(
            f"the operation {operation.type} cannot be run outside of its graph", found=operation.name
        )
    names, attributes = _names(operation.type)
    grouped = _grouped(operation)
    arguments = {names[name]: value for name, value in grouped.items()}
    given = {ours: operation.get_attr(theirs) for theirs, ours in attributes.items()}
    return RawCall(operation.type, function, given), arguments


@cache
def _names(op_type: str) -> tuple[dict[str, str], dict[str, str]]:
    """Names of inputs and of attributes in a graph, and what the Python function calls them.

    Most agree; the others are paired in order: `Mean` has `reduction_indices` there and `axis` here.
    """
    definition = _definition(op_type)
    inputs = [_plain(argument.name) for argument in definition.input_arg]
    inferred = {
        name
        for argument in definition.input_arg
        for name in (argument.type_attr, argument.number_attr, argument.type_list_attr)
    }
    attributes = [a.name for a in definition.attr if a.name not in inferred and not a.name.startswith("_")]
    wanted = [name for name in inspect.signature(getattr(tf.raw_ops, op_type)).parameters if name != "name"]
    left = [name for name in wanted if name not in inputs and name not in attributes]
    pairs = {
        name: name if name in wanted else left.pop(0)
        for name in (*inputs, *attributes)
        if name in wanted or left
    }
    return {n: pairs[n] for n in inputs}, {n: pairs[n] for n in attributes if n in pairs}


@cache
def _definition(op_type: str) -> Any:
    from tensorflow.python.framework import op_def_registry

    return op_def_registry.get(op_type)


def _grouped(operation: Any) -> dict[str, Any]:
    """The input tensors by the name of the argument in the operation's definition."""
    found: dict[str, Any] = {}
    position = 0
    for argument in _definition(operation.type).input_arg:
        name = _plain(argument.name)
        if argument.number_attr:
            count = operation.get_attr(argument.number_attr)
        elif argument.type_list_attr:
            count = len(operation.get_attr(argument.type_list_attr))
        else:
            found[name] = operation.inputs[position]
            position += 1
            continue
        found[name] = list(operation.inputs[position : position + count])
        position += count
    return found


def _plain(name: str) -> str:
    return re.sub(r"\W", "_", str(name))


def _adapted(value: Any, dtype: str) -> Any:
    is_floating = isinstance(value, tf.DType) and value.is_floating
    return tf.as_dtype(dtype) if is_floating else value

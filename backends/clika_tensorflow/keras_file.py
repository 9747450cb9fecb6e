"""Quantized models in `.keras` files: the computation as a function of its variables, and what those are.

The configuration names variables and inputs, Keras' own store holds the variables' values, and a SavedModel among
the assets holds one function, `run(values, inputs)`, which has no variables itself. It keeps the gradients of
rounding: what comes back can be trained. Importing this module makes Keras know the class that it loads.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import keras
import tensorflow as tf

from clika_core.backend.signature import Signature
from clika_core.errors import ModelError
from clika_core.ir.graph import Node, NodeKind, Value
from clika_tensorflow.callable_model import CallableModel
from clika_tensorflow.example import Example, as_tensors, check_tensors
from clika_tensorflow.quiet_import import held_back
from clika_tensorflow.structure import Flat

PACKAGE: Final = "clika"
_PLAIN: Final = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class VariableSpec:
    """A variable as the configuration has it."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    is_trained: bool


def configuration(
    name: str, variables: Sequence[VariableSpec], example: Example, inputs: Sequence[Node]
) -> dict[str, Any]:
    """What `LoadedKerasModel.from_config` makes a model of, as JSON.

    Raises ModelError for arguments that are no data.
    """
    parameters = example.callable_model.signature.parameters.parameters.values()
    return {
        "name": name,
        "variables": [[each.name, list(each.shape), each.dtype, each.is_trained] for each in variables],
        "parameters": [_parameter(each) for each in parameters],
        "input_names": example.callable_model.input_names,
        "paths": list(example.named.leaves),
        "constants": {path: _plain(value, path) for path, value in example.named.constants.items()},
        "inputs": [_input(node) for node in inputs],
    }


def check_result(result: Flat) -> None:
    """Raise ModelError for a result that holds more than tensors: a function of TensorFlow makes tensors of it."""
    others = {path: value for path, value in result.constants.items() if value is not None}
    if others:
        raise ModelError(
            "a .keras file cannot hold this model's result",
            found=", ".join(f"{path}: {value!r}" for path, value in others.items()),
            expected="tensors in dicts, lists and tuples",
            fix="use model.save_weights(path), and compress the model again before load_weights",
        )


def save_computation(
    folder: str, run: Callable[[list[Any], list[Any]], Any], values: Any, inputs: Any
) -> None:
    """Write `run` as a SavedModel; `values` and `inputs` are the specifications of its two arguments."""
    stored = tf.Module()
    stored.run = tf.function(run, input_signature=[list(values), list(inputs)], autograph=False)
    with held_back():  # TensorFlow tells where it wrote
        tf.saved_model.save(stored, folder)


@keras.saving.register_keras_serializable(PACKAGE)
class LoadedKerasModel(keras.Model):  # type: ignore[misc]
    """A quantized model from a file: a Keras model with its variables, whose arithmetic is the saved one."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        """Make the variables of a `configuration`; the computation is loaded with the assets."""
        super().__init__(name=config["name"])
        self._clika_config = dict(config)
        self._clika_arguments = _Arguments(config)
        self._clika_computation = _Computation()
        self._clika_variables = [
            self.add_weight(name=name, shape=shape, dtype=dtype, initializer="zeros", trainable=is_trained)
            for name, shape, dtype, is_trained in config["variables"]
        ]
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the structure it had; raises DataError where an input does not fit."""
        kwargs.pop("training", None)
        values = [tf.convert_to_tensor(each.value) for each in self._clika_variables]
        return self._clika_computation(values, self._clika_arguments(args, kwargs))

    def get_config(self) -> dict[str, Any]:
        """The configuration that it was made of."""
        return dict(self._clika_config)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LoadedKerasModel:
        """A model without its values and its computation, which Keras loads next."""
        return cls(config)

    def save_assets(self, folder: str) -> None:
        """The computation."""
        with held_back():
            tf.saved_model.save(self._clika_computation.stored, folder)

    def load_assets(self, folder: str) -> None:
        """The computation."""
        self._clika_computation.stored = tf.saved_model.load(folder)

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> Any:
        """A SavedModel; its arguments are those of the trace unless an `input_signature` says otherwise."""
        kwargs.setdefault("input_signature", self._clika_arguments.signature)
        return super().export(filepath, *args, **kwargs)


class _Computation:
    """The loaded function, where Keras does not look for layers."""

    stored: Any = None

    def __call__(self, values: list[Any], arrays: list[Any]) -> Any:
        if self.stored is None:
            raise ModelError(
                "this model has no computation: it was made of a configuration alone",
                fix="load it with keras.saving.load_model from its .keras file",
            )
        return self.stored.run(values, arrays)


class _Arguments:
    """From the arguments of a call to the arrays that the computation takes, in order."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        parameters = [_read_parameter(*each) for each in config["parameters"]]
        names = config["input_names"]
        model = CallableModel(
            None,
            _no_function,
            Signature(inspect.Signature(parameters)),
            None if names is None else tuple(names),
        )
        named = Flat(dict.fromkeys(config["paths"]), dict(config["constants"]), _no_function)
        self._example = Example(model, named, named, (), ())
        self._inputs = [_read_input(*each) for each in config["inputs"]]

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[Any]:
        arrays = as_tensors(self._example.take_call(args, kwargs))
        check_tensors(arrays, self._inputs)
        return arrays

    @property
    def signature(self) -> list[Any]:
        """The inputs with the sizes that may change left open."""
        return [specification(node) for node in self._inputs]


def specification(node: Node) -> Any:
    """An input of the graph as TensorFlow says it, sizes that may change left open."""
    value = node.outputs[0]
    return tf.TensorSpec([size if isinstance(size, int) else None for size in value.shape], value.dtype)


def _parameter(parameter: inspect.Parameter) -> list[Any]:
    """Its name, its kind, and its default in a list of its own, which is empty where there is none."""
    default = [] if parameter.default is parameter.empty else [_plain(parameter.default, parameter.name)]
    return [parameter.name, parameter.kind.name, default]


def _read_parameter(name: str, kind: str, default: Sequence[Any]) -> inspect.Parameter:
    given = default[0] if default else inspect.Parameter.empty
    return inspect.Parameter(name, getattr(inspect.Parameter, kind), default=given)


def _input(node: Node) -> list[Any]:
    value = node.outputs[0]
    return [node.name, value.dtype, list(value.shape), list(value.example_shape)]


def _read_input(name: str, dtype: str, shape: Sequence[Any], example_shape: Sequence[int]) -> Node:
    value = Value(dtype, tuple(shape), tuple(example_shape))
    return Node(name, "input", NodeKind.INPUT, outputs=(value,))


def _plain(value: Any, name: str) -> Any:
    if isinstance(value, _PLAIN):
        return value
    raise ModelError(
        "a .keras file cannot hold this model's arguments",
        found=f"{name!r}: {type(value).__name__}",
        expected="a number, a text, a truth value or None",
        fix="use model.save_weights(path), and compress the model again before load_weights",
    )


def _no_function(*_: Any) -> Any:
    raise ModelError("a loaded model holds no call of the model that it was made of")

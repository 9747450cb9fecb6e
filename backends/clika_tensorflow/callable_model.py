"""What tracing calls: a model with the function to call in inference, its arguments, and how users give inputs."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any, Final

import tensorflow as tf

from clika_core.backend.signature import Signature
from clika_core.errors import TraceError

_AUTOMATIC: Final = re.compile(r"(input_layer|keras_tensor|input)(_\d+)?")


@dataclass(frozen=True, slots=True)
class CallableModel:
    """`function(*args, **kwargs)` computes the model in inference.

    `input_names` are those of a Keras model that takes all its inputs as one structure, its first argument.
    """

    model: Any
    function: Callable[..., Any]
    signature: Signature
    input_names: tuple[str, ...] | None = None

    def call_form(self, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The `(args, kwargs)` of a call, for inputs as users give them: a tuple, a list, a dict, one array."""
        if self.input_names is None:
            return self.signature.call_form(inputs)
        if isinstance(inputs, list | tuple):
            return (inputs[0] if len(inputs) == 1 else list(inputs),), {}
        if isinstance(inputs, Mapping) and (set(inputs) == {"inputs"} or self._names_the_only(inputs)):
            return tuple(inputs.values()), {}
        return (dict(inputs) if isinstance(inputs, Mapping) else inputs,), {}

    def _names_the_only(self, inputs: Mapping[str, Any]) -> bool:
        """Whether a model that takes one tensor is given it by its name; a structure of one is given as it is."""
        takes = getattr(self.model, "_inputs_struct", None)
        return tuple(inputs) == self.input_names and not isinstance(takes, Mapping)

    def input_path(self, path: str) -> str | None:
        """The name that the input at `path` of the arguments deserves; None where nobody named it."""
        if self.input_names is None:
            return self.signature.argument_path(path)
        rest = path.partition(".")[2]
        if rest and not rest.isdigit():
            return rest
        name = self.input_names[int(rest or 0)]
        return None if _AUTOMATIC.fullmatch(name) else name


def keras_module() -> ModuleType | None:
    """Keras, where it is imported."""
    return sys.modules.get("keras")


def callable_model(model: Any) -> CallableModel:
    """The function of `model` to trace. Raises TraceError for what has none."""
    keras = keras_module()
    if keras is not None and isinstance(model, keras.layers.Layer):
        return _keras_model(model, keras)
    if isinstance(model, tf.Module) and callable(model):
        return CallableModel(model, model, _signature_of(model.__call__))
    signatures = getattr(model, "signatures", None)
    if signatures:
        return _loaded(model, signatures)
    raise TraceError(
        f"this {type(model).__name__} cannot be called",
        expected="a keras.Model, a tf.Module with __call__, or a SavedModel with a signature",
        fix="give the module a method __call__, or save the model with a signature",
    )


def _keras_model(model: Any, keras: ModuleType) -> CallableModel:
    if keras.backend.backend() != "tensorflow":
        raise TraceError(
            "this Keras model does not run on TensorFlow",
            found=f"Keras on the backend {keras.backend.backend()}",
            expected="Keras on the backend tensorflow",
            fix="start Python with the environment variable KERAS_BACKEND=tensorflow",
        )
    signature = Signature.of(model.call)
    takes_training = "training" in signature.parameters.parameters
    function = partial(model, training=False) if takes_training else model
    names = None
    if isinstance(model, keras.Sequential | keras.src.models.functional.Functional):
        inputs = model.inputs if isinstance(model.inputs, list | tuple) else [model.inputs]
        names = tuple(str(tensor.name) for tensor in inputs)
    return CallableModel(model, function, signature, names)


def _signature_of(method: Any) -> Signature:
    """The arguments of a bound method, be it a `tf.function` or not, without `self`."""
    parameters = inspect.signature(getattr(method, "python_function", method)).parameters
    return Signature(inspect.Signature([p for name, p in parameters.items() if name != "self"]))


def _loaded(model: Any, signatures: Mapping[str, Any]) -> CallableModel:
    """A SavedModel's serving signature, or its first one; its arguments are known by name alone."""
    function = signatures.get("serving_default") or next(iter(signatures.values()))
    names = function.structured_input_signature[1]
    signature = inspect.Signature(
        [inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD) for name in names]
    )

    def call(*args: Any, **kwargs: Any) -> Any:
        return function(**signature.bind(*args, **kwargs).arguments)

    return CallableModel(model, call, Signature(signature))

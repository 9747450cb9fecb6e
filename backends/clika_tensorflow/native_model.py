"""Native models: a `keras.Model` where the source was one of Keras, else a `tf.Module`. Both own their variables.

They take inputs and return results as the traced model does, and compute the graph's outputs by a program of the
core's. Training mode changes no arithmetic: norms keep their statistics, and nothing is dropped out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interpreter import LayerRole
from clika_core.errors import ModelError
from clika_tensorflow.example import as_tensors, check_tensors
from clika_tensorflow.interpreter import Held, build_result
from clika_tensorflow.native_state import Key, OwnValue, native_state
from clika_tensorflow.traced_model import TensorFlowTracedModel


def native_model(model: TensorFlowTracedModel, program: NativeProgram) -> Any:
    """The native model of a traced one: see the module's docstring."""
    source = model.trace.example.callable_model.model
    kind = NativeKerasModel if isinstance(source, keras.layers.Layer) else NativeModule
    return kind(model, program)


class _Runner:
    """Runs the program over variables; shared by both kinds of native model."""

    def __init__(self, model: TensorFlowTracedModel, program: NativeProgram, keys: Sequence[Key]) -> None:
        """`keys` say what each of the native model's variables stands for."""
        self._keys = tuple(keys)
        self._trace, self._schedule, self._removed = model.trace, model.schedule, model.removed
        self._program, self._left_out = program, [k for k, v in model.held.overrides.items() if v is None]

    @property
    def input_signature(self) -> list[Any]:
        """The arguments of a call, each with the shape it was traced with and sizes that may change left open."""
        specs = [
            tf.TensorSpec([size if isinstance(size, int) else None for size in value.shape], value.dtype)
            for value in (node.outputs[0] for node in self._trace.graph.inputs)
        ]
        args, kwargs = self._trace.example.build_call(specs)
        return [*args, *kwargs.values()]

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], values: Sequence[Any]) -> Any:
        """The result for one call; `values` are those of the variables, now."""
        trace = self._trace
        arrays = as_tensors(trace.example.take_call(args, kwargs))
        check_tensors(arrays, trace.graph.inputs)
        named = dict(zip(self._keys, values, strict=True))
        state = {key: tf.convert_to_tensor(value) for key, value in named.items() if isinstance(key, str)}
        overrides: dict[LayerRole, Any] = dict.fromkeys(self._left_out)
        overrides.update({key: value for key, value in named.items() if not isinstance(key, str)})
        held = Held(state, overrides)
        own = TensorFlowTracedModel(trace, held, self._removed, schedule=self._schedule)
        return build_result(trace.program, self._program(own, arrays), held, arrays)


class NativeKerasModel(keras.Model):  # type: ignore[misc]
    """A Keras model: `fit`, `evaluate`, `save_weights` and `export` work as on any other."""

    def __init__(self, model: TensorFlowTracedModel, program: NativeProgram) -> None:
        """Copy the values that a run of `model` reads into variables of its own."""
        super().__init__(name=_name(model.graph.name))
        own = native_state(model)
        self._clika_runner = _Runner(model, program, [each.key for each in own])
        self._clika_variables = [self._add(each) for each in own]
        self.built = True

    def _add(self, own: OwnValue) -> Any:
        variable = self.add_weight(
            name=_name(own.name), shape=own.shape, dtype=own.dtype, trainable=own.is_trained
        )
        variable.assign(own.value)
        return variable

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the traced model's structure; raises DataError where an input does not fit."""
        kwargs.pop("training", None)
        return self._clika_runner(args, kwargs, [each.value for each in self._clika_variables])

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> Any:
        """A SavedModel; its arguments are those of the trace unless an `input_signature` says otherwise."""
        kwargs.setdefault("input_signature", self._clika_runner.input_signature)
        return super().export(filepath, *args, **kwargs)

    def save(self, filepath: Any, *args: Any, **kwargs: Any) -> None:
        """Not as a `.keras` file, which holds a class and its arguments. Raises ModelError saying what to use."""
        raise ModelError(
            "a quantized model cannot be written to a .keras file: it is made from a trace, not from its class",
            found=str(filepath),
            fix="use model.export(folder) for a SavedModel, or model.save_weights(path) for its weights",
        )


class NativeModule(tf.Module):  # type: ignore[misc]
    """A module that is called like the one that was traced."""

    def __init__(self, model: TensorFlowTracedModel, program: NativeProgram) -> None:
        """Copy the values that a run of `model` reads into variables of its own."""
        super().__init__(name=_name(model.graph.name))
        own = native_state(model)
        self._clika_runner = _Runner(model, program, [each.key for each in own])
        self.own_variables = [
            tf.Variable(each.value, trainable=each.is_trained, name=_name(each.name)) for each in own
        ]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the traced model's structure; raises DataError where an input does not fit."""
        return self._clika_runner(args, kwargs, [tf.convert_to_tensor(each) for each in self.own_variables])


def _name(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name) or "model"

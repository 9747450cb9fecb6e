"""Native models: a `keras.Model` where the source was one of Keras, else a `tf.Module`. Both own their variables.

They take inputs and return results as the traced model does, and compute the graph's outputs by a program of the
core's. Training mode changes no arithmetic: norms keep their statistics, and nothing is dropped out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from clika_core.backend.interface import Program as NativeProgram
from clika_core.backend.interpreter import LayerRole
from clika_tensorflow.example import as_tensors, check_tensors
from clika_tensorflow.interpreter import Held, build_result
from clika_tensorflow.keras_file import (
    PACKAGE,
    LoadedKerasModel,
    VariableSpec,
    check_result,
    configuration,
    save_computation,
    specification,
)
from clika_tensorflow.native_state import OwnValue, Scale, native_state
from clika_tensorflow.traced_model import TensorFlowTracedModel

Scales: TypeAlias = Mapping[str, NDArray[np.float32]]


def native_model(model: TensorFlowTracedModel, program: NativeProgram, learned: Scales | None = None) -> Any:
    """The native model of a traced one, see the module's docstring; `learned` scales are trained too."""
    source = model.trace.example.callable_model.model
    kind = NativeKerasModel if isinstance(source, keras.layers.Layer) else NativeModule
    return kind(model, program, native_state(model, learned))


class _Runner:
    """Runs the program over variables; shared by both kinds of native model."""

    def __init__(self, model: TensorFlowTracedModel, program: NativeProgram, own: Sequence[OwnValue]) -> None:
        """`own` say what each of the native model's variables stands for."""
        self.own = tuple(own)
        self._trace, self._schedule, self._removed = model.trace, model.schedule, model.removed
        self._program, self._left_out = program, [k for k, v in model.held.overrides.items() if v is None]

    def use(self, program: NativeProgram) -> None:
        """Compute by another program from now on."""
        self._program = program

    @property
    def input_signature(self) -> list[Any]:
        """The arguments of a call, each with the shape it was traced with and sizes that may change left open."""
        args, kwargs = self._trace.example.build_call(self.input_specifications)
        return [*args, *kwargs.values()]

    @property
    def input_specifications(self) -> list[Any]:
        """The arrays of a call, in the order of the trace."""
        return [specification(node) for node in self._trace.graph.inputs]

    def configuration(self, name: str) -> dict[str, Any]:
        """What a `.keras` file says of the model; see `clika_tensorflow.keras_file`."""
        check_result(self._trace.program.result)
        variables = [VariableSpec(_name(own.name), own.shape, own.dtype, own.is_trained) for own in self.own]
        return configuration(name, variables, self._trace.example, self._trace.graph.inputs)

    def __call__(self, args: tuple[Any, ...], kwargs: Mapping[str, Any], values: Sequence[Any]) -> Any:
        """The result for one call; `values` are those of the variables, now."""
        arrays = as_tensors(self._trace.example.take_call(args, kwargs))
        check_tensors(arrays, self._trace.graph.inputs)
        return self.run(values, arrays)

    def run(self, values: Sequence[Any], arrays: Sequence[Any]) -> Any:
        """The result for arrays in the order of the trace."""
        own = self.traced(values)
        return build_result(self._trace.program, self._program(own, arrays), own.held, arrays)

    def traced(self, values: Sequence[Any]) -> TensorFlowTracedModel:
        """The traced model over the variables' values."""
        state: dict[str, Any] = {}
        overrides: dict[LayerRole, Any] = dict.fromkeys(self._left_out)
        learned: dict[str, Any] = {}
        for own, value in zip(self.own, values, strict=True):
            tensor = tf.convert_to_tensor(value)
            if isinstance(own.key, Scale):
                learned[own.key.name] = tensor
            elif isinstance(own.key, str):
                state[own.key] = tensor
            else:
                overrides[own.key] = tensor
        made = TensorFlowTracedModel(
            self._trace, Held(state, overrides), self._removed, schedule=self._schedule
        )
        made.learned = learned
        return made


@keras.saving.register_keras_serializable(PACKAGE)
class NativeKerasModel(keras.Model):  # type: ignore[misc]
    """A Keras model: `fit`, `evaluate`, `save`, `save_weights` and `export` work as on any other."""

    def __init__(self, model: TensorFlowTracedModel, program: NativeProgram, own: Sequence[OwnValue]) -> None:
        """Make variables of `own`, the values that a run of `model` reads."""
        super().__init__(name=_name(model.graph.name))
        self._clika_runner = _Runner(model, program, own)
        self._clika_variables = [self._add(each) for each in own]
        self.built = True

    def _add(self, own: OwnValue) -> Any:
        variable = self.add_weight(
            name=_name(own.name),
            shape=own.shape,
            dtype=own.dtype,
            initializer="zeros",  # the default would draw random numbers
            trainable=own.is_trained,
        )
        variable.assign(own.value)
        return variable

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the traced model's structure; raises DataError where an input does not fit."""
        kwargs.pop("training", None)
        return self._clika_runner(args, kwargs, [each.value for each in self._clika_variables])

    def traced(self) -> TensorFlowTracedModel:
        """The traced model over this model's own variables, with gradients."""
        return self._clika_runner.traced([each.value for each in self._clika_variables])

    def use(self, program: NativeProgram) -> None:
        """Compute by another program from now on; what was compiled before keeps the old one."""
        self._clika_runner.use(program)

    def owned(self) -> list[tuple[OwnValue, Any]]:
        """Every variable, after what it stands for."""
        return list(zip(self._clika_runner.own, self._clika_variables, strict=True))

    def export(self, filepath: Any, *args: Any, **kwargs: Any) -> Any:
        """A SavedModel; its arguments are those of the trace unless an `input_signature` says otherwise."""
        kwargs.setdefault("input_signature", self._clika_runner.input_signature)
        return super().export(filepath, *args, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """What `LoadedKerasModel` is made of."""
        return self._clika_runner.configuration(self.name)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LoadedKerasModel:
        """What a `.keras` file is loaded as: there is no trace in it."""
        return LoadedKerasModel(config)

    def save_assets(self, folder: str) -> None:
        """The computation, for a `.keras` file."""
        runner = self._clika_runner
        values = [tf.TensorSpec(own.shape, own.dtype) for own in runner.own]
        save_computation(folder, runner.run, values, runner.input_specifications)


class NativeModule(tf.Module):  # type: ignore[misc]
    """A module that is called like the one that was traced."""

    def __init__(self, model: TensorFlowTracedModel, program: NativeProgram, own: Sequence[OwnValue]) -> None:
        """Make variables of `own`, the values that a run of `model` reads."""
        super().__init__(name=_name(model.graph.name))
        self._clika_runner = _Runner(model, program, own)
        self.own_variables = [
            tf.Variable(each.value, trainable=each.is_trained, name=_name(each.name)) for each in own
        ]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The result with the traced model's structure; raises DataError where an input does not fit."""
        return self._clika_runner(args, kwargs, [tf.convert_to_tensor(each) for each in self.own_variables])

    def traced(self) -> TensorFlowTracedModel:
        """The traced model over this module's own variables, with gradients."""
        return self._clika_runner.traced(self.own_variables)

    def use(self, program: NativeProgram) -> None:
        """Compute by another program from now on; what was compiled before keeps the old one."""
        self._clika_runner.use(program)

    def owned(self) -> list[tuple[OwnValue, Any]]:
        """Every variable, after what it stands for."""
        return list(zip(self._clika_runner.own, self.own_variables, strict=True))


def _name(name: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in name) or "model"

"""The optimizer of a native model: the user's, made again for its variables, or the built-in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import tensorflow as tf

from clika_core.errors import ModelError
from clika_tensorflow.native_state import LEARNED, OwnValue, Scale, origins
from clika_tensorflow.traced_model import TensorFlowTracedModel

Schedule: Any = keras.optimizers.schedules.LearningRateSchedule
Owned: TypeAlias = Sequence[tuple[OwnValue, Any]]


@dataclass(frozen=True, slots=True)
class Made:
    """An optimizer built on `trained`, variables by name; its own learning rate is set before every step.

    `rate` is the user's: a number, a schedule of Keras', or a function without arguments.
    """

    optimizer: Any
    rate: Any
    trained: Mapping[str, Any]
    notes: tuple[str, ...] = ()

    @property
    def is_adaptive(self) -> bool:
        """Whether steps are about as long as the learning rate, whatever the gradients are."""
        return not isinstance(self.optimizer, keras.optimizers.SGD)

    def learning_rate(self) -> float:
        """The learning rate now."""
        if isinstance(self.rate, Schedule):
            return float(self.rate(self.optimizer.iterations))
        return float(self.rate() if callable(self.rate) else self.rate)


def built_in(owned: Owned, learning_rate: float) -> Made:
    """Adam over everything that is trained (Kingma & Ba 2015)."""
    return built(keras.optimizers.Adam(learning_rate), learning_rate, trainable(owned))


def built(optimizer: Any, rate: Any, trained: Mapping[str, Any], notes: Iterable[str] = ()) -> Made:
    """The optimizer with its state for `trained`; learned scales do not decay."""
    scales = [variable for name, variable in trained.items() if name.startswith(f"{LEARNED}.")]
    if scales and optimizer.weight_decay:
        optimizer.exclude_from_weight_decay(var_list=scales)
    optimizer.build(list(trained.values()))
    return Made(optimizer, rate, trained, tuple(notes))


def trainable(owned: Owned) -> dict[str, Any]:
    """The variables that are trained, by name."""
    return {own.name: variable for own, variable in owned if own.is_trained}


def rebuilt(optimizer: Any, model: TensorFlowTracedModel, owned: Owned) -> Made:
    """The user's optimizer for the native model: same class and hyper-parameters, the state of unchanged variables.

    An optimizer that is built holds the variables that it was built on: the others are not trained, and one that is
    not the traced model's is a ModelError. One that is not built yet holds everything that is trained.
    """
    own, rate = again(optimizer)
    trained = trainable(owned)
    if not optimizer.built:
        return built(own, rate, trained)
    held = {_key(variable): index for index, variable in enumerate(optimizer._trainable_variables)}
    _refuse_strangers(model, optimizer._trainable_variables)
    sources = {each.name: _source(model, each) for each, _ in owned if each.is_trained}
    kept = {
        name: variable
        for name, variable in trained.items()
        if sources[name] is None or any(_key(origin) in held for origin in sources[name] or ())
    }
    frozen = [name for name in trained if name not in kept]
    notes = (
        [f"variables that the optimizer does not hold stay as they are: {', '.join(frozen)}"]
        if frozen
        else []
    )
    made = built(own, rate, kept, notes)
    own.iterations.assign(optimizer.iterations)
    unchanged = {each.name for each, _ in owned if isinstance(each.key, str)}
    for (slot, name), variable in slots(made).items():
        origin = sources[name]
        if name in unchanged and origin:
            variable.assign(getattr(optimizer, slot)[held[_key(origin[0])]])
    return made


def again(optimizer: Any) -> tuple[Any, Any]:
    """A new optimizer of the same class and hyper-parameters, and the learning rate. Raises ModelError."""
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        raise ModelError(
            "this is no optimizer of Keras'",
            found=type(optimizer).__name__,
            expected="keras.optimizers.Optimizer",
        )
    rate = optimizer._learning_rate
    rate = rate if callable(rate) and not hasattr(rate, "assign") else float(optimizer.learning_rate)
    kind = type(optimizer)
    try:
        return kind.from_config({**optimizer.get_config(), "learning_rate": 1.0}), rate
    except (TypeError, ValueError) as error:
        raise ModelError(
            f"an optimizer of class {kind.__name__} cannot be made for the quantized model",
            found=str(error),
            fix="let from_config take what get_config gives, or use one of keras.optimizers",
        ) from error


def slots(made: Made) -> dict[tuple[str, str], Any]:
    """What the optimizer keeps for every variable: by attribute, and by the variable's name."""
    names, found = list(made.trained), {}
    for slot, held in vars(made.optimizer).items():
        if slot != "_trainable_variables" and isinstance(held, list) and len(held) == len(names):
            pairs = zip(names, held, strict=True)
            found.update({(slot, name): v for name, v in pairs if isinstance(v, keras.Variable)})
    return found


def _refuse_strangers(model: TensorFlowTracedModel, variables: Iterable[Any]) -> None:
    source = model.trace.example.callable_model.model
    known = {_key(variable) for variable in source.variables}
    for variable in variables:
        if _key(variable) not in known:
            raise ModelError(
                "the optimizer holds a variable that is not the model's",
                found=f"{variable.name}, shape {list(variable.shape)}",
                expected="variables of the model that is compressed",
                fix="build the optimizer on model.trainable_variables, or give it before it is built",
            )


def _source(model: TensorFlowTracedModel, own: OwnValue) -> list[Any] | None:
    """The user's variables that a native one stands for; None for one that is new."""
    if isinstance(own.key, Scale):
        return None
    program = model.trace.program
    if isinstance(own.key, str):
        return [program.state[own.key].value]
    layer, role = own.key
    weights = model.trace.regions[layer].weights
    ref = weights.get(role) or weights.get("weight")
    found = [] if ref is None else [origin.value for origin in origins(program, ref.record)]
    variables = [value for value in found if isinstance(value, tf.Variable)]
    return variables or None


def _key(variable: Any) -> int:
    """Which variable it is, be it wrapped by Keras or not."""
    inner = variable.value if isinstance(variable, keras.Variable) else variable
    return id(inner.handle)


Apply: TypeAlias = Callable[[Mapping[str, Any]], None]


def applying(made: Made, steps: Mapping[str, float]) -> Apply:
    """One step, compiled: gradients by name; a scale moves by its share of what the optimizer wants."""

    def apply(gradients: Mapping[str, Any]) -> None:
        variables = [made.trained[name] for name in gradients]
        shares = {name: steps[name] for name in gradients if steps.get(name, 1.0) != 1.0}
        before = {name: tf.identity(tf.convert_to_tensor(made.trained[name])) for name in shares}
        made.optimizer.apply(list(gradients.values()), variables)
        for name, share in shares.items():
            after = tf.convert_to_tensor(made.trained[name])
            made.trained[name].assign(before[name] + (after - before[name]) * share)

    compiled: Apply = tf.function(apply, autograph=False)
    return compiled

"""The state of a Keras optimizer as arrays and JSON, by the names of the variables it trains, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import keras
from numpy.typing import NDArray

from clika_core.backend.saved import named_class, not_to_be_saved
from clika_core.errors import StateError
from clika_tensorflow.example import to_numpy
from clika_tensorflow.optimizer import Made, Schedule, again, built, slots

PREFIX: Final = "optimizer."


def optimizer_state(made: Made) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Moments as arrays; class, hyper-parameters and learning rate as JSON. Raises StateError for what is neither."""
    arrays = {path: to_numpy(variable) for path, variable in _variables(made).items()}
    config = {key: _plain(value, key) for key, value in made.optimizer.get_config().items()}
    return arrays, {
        "class": type(made.optimizer).__name__,
        "config": config,
        "rate": _rate_to_json(made.rate),
        "trained": list(made.trained),
    }


def load_state(made: Made, arrays: Mapping[str, NDArray[Any]], values: Any) -> None:
    """Take over what was saved of variables that are there, where the class is the same."""
    if not isinstance(values, dict) or values.get("class") != type(made.optimizer).__name__:
        return
    for path, variable in _variables(made).items():
        if path in arrays:
            if tuple(arrays[path].shape) != tuple(variable.shape):
                raise _misfit(f"{path} of shape {list(arrays[path].shape)}")
            variable.assign(arrays[path])


def saved_optimizer(values: Any, trained: Mapping[str, Any]) -> Made:
    """The optimizer that a state names, if it is one of Keras' own. Raises StateError for another."""
    try:
        kind = named_class(keras.optimizers, values["class"], keras.optimizers.Optimizer)
        config = {key: _plain(value, key) for key, value in values["config"].items()}
        own, _ = again(kind.from_config({**config, "learning_rate": 1.0}))
        return built(own, _rate_from_json(values["rate"]), trained)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise _misfit(repr(error)) from error


def _variables(made: Made) -> dict[str, Any]:
    """Everything that the optimizer keeps between steps, its learning rate left out, which is set before each."""
    per_variable = {id(v): f"{PREFIX}{name}/{slot}" for (slot, name), v in slots(made).items()}
    rate = id(made.optimizer._learning_rate)
    return {
        per_variable.get(id(v), f"{PREFIX}{v.name}"): v for v in made.optimizer.variables if id(v) != rate
    }


def _rate_to_json(rate: Any) -> Any:
    if isinstance(rate, Schedule):
        config = {key: _plain(value, key) for key, value in rate.get_config().items()}
        return {"class": type(rate).__name__, "config": config}
    if callable(rate):
        return None  # code: it has to be given again
    return float(rate)


def _rate_from_json(saved: Any) -> Any:
    if isinstance(saved, dict):
        kind = named_class(keras.optimizers.schedules, saved["class"], Schedule)
        return kind(**{key: _plain(value, key) for key, value in saved["config"].items()})
    return float(saved)


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(item, key) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise not_to_be_saved(value, key)


def _misfit(found: str) -> StateError:
    return StateError("the saved optimizer does not fit", found=found[:200])

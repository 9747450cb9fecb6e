"""The state of an optimizer as arrays and JSON, by parameter name, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from clika_core.backend.saved import named_class, not_to_be_saved
from clika_core.errors import StateError
from clika_torch.arrays import to_numpy
from clika_torch.sharded import shared_as, whole

PREFIX = "optimizer."


def optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor]
) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Tensors of the state as arrays, the rest as JSON: class, groups by parameter name, plain state values.

    Raises StateError for a state that is neither a tensor nor plain.
    """
    names = {id(tensor): name for name, tensor in parameters.items()}
    arrays: dict[str, NDArray[Any]] = {}
    plain: dict[str, dict[str, Any]] = {}
    for tensor, state in optimizer.state.items():
        name = names[id(tensor)]
        for key, value in state.items():
            if isinstance(value, Tensor):
                arrays[f"{PREFIX}{name}/{key}"] = to_numpy(whole(value))
            else:
                plain.setdefault(name, {})[key] = _plain(value, key)
    groups = [
        {
            "params": [names[id(tensor)] for tensor in group["params"]],
            "values": {key: _plain(value, key) for key, value in group.items() if key != "params"},
        }
        for group in optimizer.param_groups
    ]
    return arrays, {"class": type(optimizer).__name__, "groups": groups, "state": plain}


def load_optimizer(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    arrays: Mapping[str, NDArray[Any]],
    values: Any,
) -> None:
    """Take over groups and state. Raises StateError where they do not fit the optimizer."""
    try:
        _load_groups(optimizer, parameters, values["groups"])
        _load_state(optimizer, parameters, arrays, values["state"])
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise StateError("the saved optimizer does not fit", found=repr(error)) from error


def load_moments(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    arrays: Mapping[str, NDArray[Any]],
    values: Any,
) -> None:
    """Take over the state alone, where it is that of an optimizer of the same class."""
    if isinstance(values, dict) and values.get("class") == type(optimizer).__name__:
        try:
            _load_state(optimizer, parameters, arrays, values["state"])
        except (KeyError, TypeError, AttributeError) as error:
            raise StateError("the saved optimizer does not fit", found=repr(error)) from error


def _load_state(
    optimizer: torch.optim.Optimizer,
    parameters: Mapping[str, Tensor],
    arrays: Mapping[str, NDArray[Any]],
    plain: Mapping[str, Mapping[str, Any]],
) -> None:
    optimizer.state.clear()
    for name, state in plain.items():
        optimizer.state[parameters[name]].update({key: _from_plain(value) for key, value in state.items()})
    for path, array in arrays.items():
        if path.startswith(PREFIX):
            name, _, key = path.removeprefix(PREFIX).rpartition("/")
            optimizer.state[parameters[name]][key] = _state_tensor(array, parameters[name])


def saved_class(values: Any) -> Callable[..., torch.optim.Optimizer]:
    """The class that a saved state names, if it is one of `torch.optim`. Raises StateError for another."""
    name = values.get("class") if isinstance(values, dict) else None
    kind: Callable[..., torch.optim.Optimizer] = named_class(torch.optim, name, torch.optim.Optimizer)
    return kind


def _load_groups(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, Tensor], groups: list[dict[str, Any]]
) -> None:
    optimizer.param_groups.clear()
    for group in groups:
        values = {key: _from_plain(value) for key, value in group["values"].items()}
        optimizer.add_param_group({**values, "params": [parameters[name] for name in group["params"]]})


def _state_tensor(array: NDArray[Any], parameter: Tensor) -> Tensor:
    """Moments stand beside their parameter; counters, which have no axes, where torch keeps them."""
    tensor = torch.from_numpy(np.array(array))
    if not tensor.dim():
        return tensor
    return shared_as(tensor.to(dtype=parameter.dtype, device=parameter.device), parameter)


def _plain(value: Any, key: str) -> Any:
    if isinstance(value, Tensor) and value.dim() == 0:
        return {"number": value.item()}
    if isinstance(value, tuple):
        return {"tuple": [_plain(item, key) for item in value]}
    if isinstance(value, list):
        return [_plain(item, key) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise not_to_be_saved(value, key)


def _from_plain(value: Any) -> Any:
    if isinstance(value, dict):
        if "number" in value:
            return torch.tensor(value["number"])
        return tuple(_from_plain(item) for item in value["tuple"])
    return [_from_plain(item) for item in value] if isinstance(value, list) else value

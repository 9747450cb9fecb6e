"""`Signature`: inputs as users give them (a tuple, a list, a dict, one array), as arguments of a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Signature:
    """The arguments of a model's function: `forward`, `call`, `__call__`."""

    parameters: inspect.Signature

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Signature:
        """The signature of a function, or of a bound method without `self`."""
        return cls(inspect.signature(function))

    def call_form(self, inputs: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The `(args, kwargs)` of a call.

        A dict holds arguments by name, unless the function has no such arguments: then it is the first argument.
        A tuple or list holds arguments in order; anything else is the first argument.
        """
        if isinstance(inputs, Mapping) and self._are_arguments(inputs):
            return (), dict(inputs)
        return (tuple(inputs) if isinstance(inputs, list | tuple) else (inputs,)), {}

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Every argument of a call by name, defaults included; raises TypeError, as the call would."""
        bound = self.parameters.bind(*args, **kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    def argument_path(self, path: str) -> str | None:
        """The name that an input deserves: None inside `*args`, without the prefix inside `**kwargs`."""
        argument, _, rest = path.partition(".")
        kind = self.parameters.parameters[argument].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            return None
        return rest if kind is inspect.Parameter.VAR_KEYWORD else path

    def _are_arguments(self, inputs: Mapping[Any, Any]) -> bool:
        parameters = self.parameters.parameters.values()
        if any(parameter.kind is inspect.Parameter.VAR_KEYWORD for parameter in parameters):
            return all(isinstance(key, str) for key in inputs)
        return set(inputs) <= {parameter.name for parameter in parameters}

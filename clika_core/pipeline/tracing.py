"""`trace`: the backend is found from the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

from clika_core.backend.interface import Backend, TracedModel
from clika_core.errors import ModelError
from clika_core.plugins.registry import find_backend


@overload
def trace(model: Any, example_inputs: Any, *, name: str | None = None) -> TracedModel: ...
@overload
def trace(
    model: Any, example_inputs: Any, *, name: str | None = None, only: Sequence[str]
) -> dict[str, TracedModel]: ...
def trace(
    model: Any, example_inputs: Any, *, name: str | None = None, only: Sequence[str] | None = None
) -> TracedModel | dict[str, TracedModel]:
    """Trace `model` on `example_inputs`: one array, a tuple or list, or a dict by argument name.

    With `only`, the submodules at these paths are traced, each on what it is given first while `model` runs on
    `example_inputs`: the result has one traced model for each path. Layers have the paths of the whole model.

    Raises ModelError where no backend takes the model, or a path is no submodule, TraceError where the model cannot
    be traced.
    """
    backend = find_backend(model)
    if only is None:
        return backend.trace(model, example_inputs, name=name)
    return {
        path: backend.trace(part, first_call(backend, model, path, example_inputs), name=name)
        for path, part in parts_of(backend, model, only).items()
    }


def parts_of(backend: Backend, model: Any, only: Sequence[str]) -> dict[str, Any]:
    """The submodules at these paths. Raises ModelError where one lies in another."""
    paths = [only] if isinstance(only, str) else list(dict.fromkeys(only))
    for path in paths:
        above = next((other for other in paths if path.startswith(f"{other}.")), None)
        if above is not None:
            raise ModelError(f"module {path!r} is a part of {above!r}", fix="name one of the two")
    return {path: backend.part(model, path) for path in paths}


def first_call(backend: Backend, model: Any, path: str, inputs: Any) -> Any:
    """What a submodule is given first. Raises ModelError where it is not called."""
    for call in backend.calls(model, path, inputs):
        return call
    raise ModelError(
        f"the model does not call {path!r} on the example inputs",
        fix="give inputs on which it does, or leave the path out",
    )

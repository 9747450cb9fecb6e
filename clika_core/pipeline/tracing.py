"""`trace`: the backend is found from the model, and takes sizes that are free where somebody asks for them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, overload

from clika_core.backend.dynamic_axes import DynamicAxes, free_axes
from clika_core.backend.interface import Backend, TracedModel
from clika_core.errors import DataError, ModelError, TraceError
from clika_core.ir.graph import Graph
from clika_core.pipeline.data import Batches
from clika_core.pipeline.varying import shown_ahead
from clika_core.plugins.registry import find_backend


@overload
def trace(
    model: Any, example_inputs: Any, *, name: str | None = None, dynamic_axes: DynamicAxes | None = None
) -> TracedModel: ...
@overload
def trace(
    model: Any, example_inputs: Any, *, name: str | None = None, only: Sequence[str]
) -> dict[str, TracedModel]: ...
def trace(
    model: Any,
    example_inputs: Any,
    *,
    name: str | None = None,
    only: Sequence[str] | None = None,
    dynamic_axes: DynamicAxes | None = None,
) -> TracedModel | dict[str, TracedModel]:
    """Trace `model` on `example_inputs`: one array, a tuple or list, or a dict by argument name.

    The batch, axis 0, is free to change where the model lets it. `dynamic_axes` frees more: axes by the name or the
    position of an input, `{"input_ids": [1], "attention_mask": [1]}`. Give all inputs that have the size in common.

    With `only`, the submodules at these paths are traced, each on what it is given first while `model` runs on
    `example_inputs`: the result has one traced model for each path. Layers have the paths of the whole model.

    Raises ModelError where no backend takes the model, a path is no submodule, or an input has no such axis;
    TraceError where the model cannot be traced, or fixes a size that was to be free.
    """
    backend = find_backend(model)
    if only is None:
        return traced_by(backend, model, example_inputs, name=name, dynamic_axes=dynamic_axes)
    if dynamic_axes:
        raise ModelError(
            "dynamic_axes goes with a whole model: a part has inputs of its own",
            found=f"only={list(only)!r}",
            fix="trace the submodule itself, with the inputs that it gets in the whole",
        )
    return {
        path: backend.trace(part, first_call(backend, model, path, example_inputs), name=name)
        for path, part in parts_of(backend, model, only).items()
    }


def traced_by(
    backend: Backend,
    model: Any,
    example_inputs: Any,
    *,
    name: str | None = None,
    dynamic_axes: DynamicAxes | None = None,
) -> TracedModel:
    """Trace with axes that are free beside the batch. Raises ModelError for a backend that leaves none free."""
    if not dynamic_axes:
        return backend.trace(model, example_inputs, name=name)
    if not _frees_axes(backend):
        raise ModelError(
            f"the {backend.name} backend leaves no size free beside the batch",
            found=f"dynamic_axes={dict(dynamic_axes)!r}",
            fix="pad inputs to one size, and trace with that",
        )
    free: Any = {"dynamic_axes": dynamic_axes}
    return backend.trace(model, example_inputs, name=name, **free)


def traced_as_shown(backend: Backend, model: Any, example_inputs: Any, axes: DynamicAxes) -> TracedModel:
    """Trace with those axes free along which the data differs in size; see `clika_core.pipeline.varying`.

    Raises DataError where the model, or its backend, fixes what data does not.
    """
    if not axes or not _frees_axes(backend):
        traced = backend.trace(model, example_inputs)
        _check_free(traced.graph, axes, backend)
        return traced
    try:
        return traced_by(backend, model, example_inputs, dynamic_axes=axes)
    except TraceError as error:
        backend.trace(model, example_inputs)  # a model that cannot be traced at all says so
        raise DataError(
            "batches of the data differ in size where the model takes one size",
            found=error.message,
            expected="batches of one shape",
            fix=f"pad all batches to one size; or {error.fix}",
            location=error.location,
        ) from error


def traced_ahead(
    backend: Backend, model: Any, example_inputs: Any, traced: TracedModel, data: Batches
) -> TracedModel:
    """`traced`, or a new trace where batches that are made anew whenever they are read differ in size."""
    axes = shown_ahead(data, example_inputs)
    return traced_as_shown(backend, model, example_inputs, axes) if axes else traced


def axes_left_free(graph: Graph) -> DynamicAxes:
    """The axes beside the batch that a trace left free, as `dynamic_axes` says them."""
    found = {
        position: [axis for axis, size in enumerate(node.outputs[0].shape) if axis and isinstance(size, str)]
        for position, node in enumerate(graph.inputs)
    }
    return {position: axes for position, axes in found.items() if axes}


def _frees_axes(backend: Backend) -> bool:
    """Whether the backend's `trace` knows of axes that are to be free: a parameter that not every backend has."""
    return "dynamic_axes" in inspect.signature(backend.trace).parameters


def _check_free(graph: Graph, varying: DynamicAxes, backend: Backend) -> None:
    """Raise DataError where batches differ along an axis that the trace fixed."""
    names = [node.name for node in graph.inputs]
    shapes = [node.outputs[0].example_shape for node in graph.inputs]
    for node, axes in zip(graph.inputs, free_axes(varying, names, shapes), strict=True):
        for axis in sorted(axes):
            size = node.outputs[0].shape[axis]
            if isinstance(size, int):
                raise DataError(
                    f"batches of the data differ in size along axis {axis} of input {node.name!r}",
                    found=f"a trace with {size} there: the {backend.name} backend frees the batch alone",
                    expected="batches of one shape",
                    fix="pad all batches to one size",
                )


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

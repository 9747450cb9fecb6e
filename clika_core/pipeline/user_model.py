"""A user's model made ready to be quantized: placed, in float32, and traced with those sizes free that data shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from clika_core.backend.dynamic_axes import DynamicAxes
from clika_core.backend.interface import TracedModel
from clika_core.pipeline.data import Batches
from clika_core.pipeline.tracing import traced_ahead, traced_as_shown
from clika_core.pipeline.varying import shown_by
from clika_core.pipeline.widening import in_float32
from clika_core.plugins.registry import find_backend


def traced_on(
    data: Batches,
    model: Any,
    example_inputs: Any = None,
    *,
    device: str | None = None,
    dynamic_axes: DynamicAxes | None = None,
    check: Callable[[TracedModel], None] = lambda _: None,
) -> tuple[TracedModel, tuple[str, ...]]:
    """The traced model, and notes on what was done to it; `example_inputs` default to a batch of `data`.

    `check` sees the first trace before more data is read than an example.
    """
    backend = find_backend(model)
    placed = model if device is None else backend.on_device(model, device)
    shown = shown_by(data, example_inputs)
    placed, example, notes = in_float32(backend, placed, shown.example)
    traced = traced_as_shown(backend, placed, example, dynamic_axes or shown.axes)
    check(traced)
    return (traced if dynamic_axes else traced_ahead(backend, placed, example, traced, data)), notes

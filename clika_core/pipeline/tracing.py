"""`trace`: the backend is found from the model."""

from __future__ import annotations

from typing import Any

from clika_core.backend.interface import TracedModel
from clika_core.plugins.registry import find_backend


def trace(model: Any, example_inputs: Any, *, name: str | None = None) -> TracedModel:
    """Trace `model` on `example_inputs`: one array, a tuple or list, or a dict by argument name.

    Raises ModelError where no backend takes the model, TraceError where it cannot be traced.
    """
    return find_backend(model).trace(model, example_inputs, name=name)

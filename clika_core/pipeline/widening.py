"""Models in half precision are compressed in float32, which holds every value of theirs."""

from __future__ import annotations

from typing import Any

from clika_core.backend.interface import Backend

NOTE = (
    "the model is in half precision: it is compressed in float32, which changes no weight of it, and compared with "
    "that; inputs in half precision are taken as well"
)


def in_float32(backend: Backend, model: Any, inputs: Any) -> tuple[Any, Any, tuple[str, ...]]:
    """The model and example inputs to trace, and notes: copies in float32 where they are in half precision."""
    widened = backend.widened(model, inputs)
    return (model, inputs, ()) if widened is None else (*widened, (NOTE,))

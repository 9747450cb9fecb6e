"""Free sizes are asked of a backend that knows them; of one that does not, in words that say so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import clika_core as clika
from clika_core.backend.interface import TracedModel
from clika_core.errors import DataError, ModelError
from clika_core.pipeline.data import Batches
from clika_core.pipeline.tracing import axes_left_free, traced_as_shown, traced_by
from clika_core.pipeline.varying import shown_by
from clika_loopback.backend import LoopbackBackend
from tests.core.loopback.networks import Sketch


class Freeing(LoopbackBackend):
    """A backend that takes axes to free, and tells which."""

    def __init__(self) -> None:
        self.asked: Any = None

    def trace(
        self, model: Any, example_inputs: Any, *, name: str | None = None, dynamic_axes: Any = None
    ) -> TracedModel:
        self.asked = dynamic_axes
        return super().trace(model, example_inputs, name=name)


def network() -> Any:
    sketch = Sketch()
    sketch.model.output(sketch.op("relu", sketch.input("x", 4)))
    return sketch.model


X = np.ones((2, 4), np.float32)


def test_a_backend_is_asked_only_where_somebody_asks() -> None:
    backend = Freeing()
    traced_by(backend, network(), X)
    assert backend.asked is None
    traced_by(backend, network(), X, dynamic_axes={"x": [1]})
    assert backend.asked == {"x": [1]}


def test_data_asks_where_its_batches_differ() -> None:
    backend = Freeing()
    for other, expected in ((X[:1], None), (np.ones((2, 5), np.float32), {0: [1]})):
        shown = shown_by(Batches([X, other]))
        traced_as_shown(backend, network(), shown.example, shown.axes)
        assert backend.asked == expected


def test_a_backend_without_the_parameter_is_named() -> None:
    with pytest.raises(ModelError, match="the loopback backend leaves no size free beside the batch"):
        clika.trace(network(), X, dynamic_axes={"x": [1]})


def test_data_of_several_sizes_is_refused_where_the_trace_fixed_them() -> None:
    with pytest.raises(DataError, match="batches of the data differ in size along axis 1 of input 'x'"):
        traced_as_shown(LoopbackBackend(), network(), X, {0: [1]})


def test_parts_are_not_traced_with_the_axes_of_the_whole() -> None:
    with pytest.raises(ModelError, match="dynamic_axes goes with a whole model"):
        clika.trace(network(), X, only=["a"], dynamic_axes={"x": [1]})  # type: ignore[call-overload]


def test_a_graph_tells_which_axes_were_left_free() -> None:
    assert axes_left_free(clika.trace(network(), X).graph) == {}

"""Rows of inputs times the flattened weight are the layer's own outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clika_core.backend.interface import LayerCall
from clika_core.quality import summed_inputs as module
from clika_core.quality.summed_inputs import MAX_ROWS, summed_inputs
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches


def rows_and_outputs(model: Any, data: Any) -> tuple[np.ndarray | None, np.ndarray, np.ndarray]:
    """Rows of the only layer, its weight, and its outputs without the bias."""
    seen: list[Any] = []

    def visit(call: LayerCall) -> Any:
        weight = np.asarray(call.weights["weight"])
        rows = summed_inputs(call, call.inputs[0], weight.shape, traced.arrays)
        seen.extend([rows, weight, call.run(weights={**call.weights, "bias": None})[0]])
        return call.run()

    traced = trace(model, data)
    traced.interpret(data, visit)
    return seen[0], seen[1], seen[2]


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize("stride", [1, 2])
def test_of_convolutions(groups: int, stride: int) -> None:
    s = Sketch(groups)
    model = s.output(s.conv(s.input("x", 4, 6, 5), 4, 8, groups=groups, strides=(stride, 1)))
    rows, weight, outputs = rows_and_outputs(model, batches(model, size=3)[0])
    assert rows is not None
    found = np.einsum("grd,god->rgo", rows, weight.reshape(groups, 8 // groups, -1)).reshape(-1, 8)
    wanted = np.moveaxis(outputs, 1, -1).reshape(-1, 8)
    np.testing.assert_allclose(found[np.lexsort(found.T)], wanted[np.lexsort(wanted.T)], atol=1e-5)


def test_of_dense_layers() -> None:
    s = Sketch()
    model = s.output(s.linear(s.input("x", 5, 8), 8, 3))
    rows, weight, outputs = rows_and_outputs(model, batches(model, size=4)[0])
    assert rows is not None
    assert rows.shape == (1, 20, 8)
    found, wanted = rows[0] @ weight.T, outputs.reshape(-1, 3)
    np.testing.assert_allclose(found[np.lexsort(found.T)], wanted[np.lexsort(wanted.T)], atol=1e-5)


def test_no_more_rows_than_are_needed() -> None:
    s = Sketch()
    model = s.output(s.linear(s.input("x", 90, 8), 8, 3))
    rows, _, _ = rows_and_outputs(model, batches(model, size=40)[0])
    assert rows is not None
    assert rows.shape == (1, MAX_ROWS, 8)


def test_a_sample_too_large_to_lay_out_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ELEMENTS", 6 * 5 * 36 - 1)
    s = Sketch()
    model = s.output(s.conv(s.input("x", 4, 6, 5), 4, 8))
    assert rows_and_outputs(model, batches(model, size=3)[0])[0] is None

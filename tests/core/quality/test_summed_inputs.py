"""Rows of inputs times the flattened weight are the layer's own outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from clika_core.backend.interface import LayerCall
from clika_core.quality import summed_inputs as module
from clika_core.quality.summed_inputs import MIN_ROWS, num_rows, summed_inputs
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


def test_of_padding_is_zeros() -> None:
    s = Sketch()
    model = s.output(s.conv(s.input("x", 2, 3, 3), 2, 1))
    rows, _, _ = rows_and_outputs(model, [np.ones((1, 2, 3, 3), np.float32)])
    assert rows is not None
    assert sorted(rows[0].sum(axis=1)) == [8] * 4 + [12] * 4 + [18]


def test_of_more_places_than_one_digit_counts() -> None:
    s = Sketch()
    model = s.output(s.conv(s.input("x", 1, 20, 20), 1, 2))
    data = [np.arange(400, dtype=np.float32).reshape(1, 1, 20, 20)]
    rows, weight, outputs = rows_and_outputs(model, data)
    assert rows is not None
    found, wanted = rows[0] @ weight.reshape(2, -1).T, np.moveaxis(outputs, 1, -1).reshape(-1, 2)
    np.testing.assert_allclose(found[np.lexsort(found.T)], wanted[np.lexsort(wanted.T)], rtol=1e-4, atol=1e-2)


def test_no_more_rows_than_are_needed() -> None:
    s = Sketch()
    model = s.output(s.linear(s.input("x", 90, 8), 8, 3))
    rows, _, _ = rows_and_outputs(model, batches(model, size=40)[0])
    assert rows is not None
    assert rows.shape == (1, MIN_ROWS, 8)


def test_rows_are_the_same_whenever_there_are_as_many_and_from_many_samples() -> None:
    s = Sketch()
    model = s.output(s.conv(s.input("x", 4, 6, 5), 4, 8))
    data = [np.repeat(np.arange(60, dtype=np.float32), 120).reshape(60, 4, 6, 5)]
    first, second = (rows_and_outputs(model, data)[0] for _ in range(2))
    assert first is not None
    assert second is not None
    np.testing.assert_array_equal(first, second)
    assert len(np.unique(first)) == 60


def test_rows_of_too_many_elements_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ELEMENTS", 36 * num_rows(36) - 1)
    s = Sketch()
    model = s.output(s.conv(s.input("x", 4, 6, 5), 4, 8))
    assert rows_and_outputs(model, batches(model, size=3)[0])[0] is None

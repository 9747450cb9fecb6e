"""Samples of outputs hold the same rows of every output, and a reference runs its model once."""

from __future__ import annotations

import numpy as np

from clika_core.quality.reference import MAX_ROWS, OutputSample, Reference
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches


def test_channels_are_found_where_the_framework_has_them() -> None:
    s = Sketch()
    model = s.output(s.conv(s.input("x", 3, 50, 50), 3, 5))
    traced = trace(model, batches(model)[0])
    values = np.arange(5, dtype=np.float32).reshape(1, 5, 1, 1) * np.ones((2, 5, 50, 50), np.float32)
    found = OutputSample.of(traced, traced.graph["conv_1"], values)
    np.testing.assert_array_equal(found.mean, np.arange(5))
    np.testing.assert_array_equal(found.rows, np.tile(np.arange(5), (MAX_ROWS, 1)))


def test_outputs_are_those_of_the_float_model_and_taken_once() -> None:
    s = Sketch()
    model = s.output(s.linear(s.op("relu", s.linear(s.input("x", 8), 8, 5)), 5, 2))
    (data, *_) = batches(model, size=16)
    traced = trace(model, data)
    reference = Reference(traced, data, {"linear_1"})
    weights = traced.parameters("linear_1")
    wanted = data[0] @ weights["weight"].T + weights["bias"]
    assert set(reference.outputs) == {"linear_1"}
    found = reference.outputs["linear_1"]
    np.testing.assert_allclose(found.mean, wanted.mean(axis=0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.sort(found.rows, axis=0), np.sort(wanted, axis=0), rtol=1e-5, atol=1e-6)
    assert reference.outputs["linear_1"] is found

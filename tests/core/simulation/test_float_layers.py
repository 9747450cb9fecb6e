"""A norm in floating point is simulated as onnxruntime computes it, bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from clika_core.pipeline import deployment
from clika_core.pipeline.quantization import Quantized
from clika_core.targets.ort import ORT
from clika_core.targets.target import FloatOrder
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized

OWN = replace(ORT, name="own", float_orders={})
"""Every float layer in the framework's own order."""


def norm_last(left_out: tuple[str, ...] = (), epsilon: float = 1e-5) -> Sketch:
    """A norm that reads codes and folds into nothing; its reals are the output."""
    s = Sketch(3)
    x = s.op("relu", s.conv(s.input("x", 4, 9, 7), 4, 6))
    given = {
        "weight": s.random.uniform(0.2, 3, 6),
        "bias": s.random.standard_normal(6),
        "running_mean": s.random.standard_normal(6),
        "running_var": s.random.uniform(1e-3, 9, 6),
    }
    kept = {role: array.astype(np.float32) for role, array in given.items() if role not in left_out}
    s.output(s.op("batch_norm", x, epsilon=epsilon, **kept))
    return s


def outputs(found: Quantized) -> tuple[np.ndarray, np.ndarray]:
    """Of the simulation, and of the file in onnxruntime."""
    batch = batches(found.model._model, 1, 16, seed=5)  # type: ignore[attr-defined]
    (simulated,) = deployment.run_simulation(found, batch)
    (deployed,) = deployment.run_deployed(deployment.deploy(found).quantized, batch)
    return simulated[0], deployed[0]


@pytest.mark.parametrize("left_out", [(), ("weight",), ("bias",), ("weight", "bias")], ids=str)
@pytest.mark.parametrize("epsilon", [1e-5, 0.3])
def test_a_float_norm_gives_the_runtimes_numbers(left_out: tuple[str, ...], epsilon: float) -> None:
    model = norm_last(left_out, epsilon).model
    found = quantized(model, batches(model))
    assert found.simulation.float_orders == {"batch_norm_1": FloatOrder.SCALE_THEN_SHIFT}
    simulated, deployed = outputs(found)
    assert len(np.unique(simulated)) > 500
    np.testing.assert_array_equal(simulated, deployed)


def test_in_another_order_the_last_place_differs() -> None:
    model = norm_last().model
    found = quantized(model, batches(model), OWN)
    assert not found.simulation.float_orders
    simulated, deployed = outputs(found)
    assert np.any(simulated != deployed)
    np.testing.assert_allclose(simulated, deployed, rtol=1e-4, atol=1e-5)


def test_a_norm_that_folds_has_no_order() -> None:
    s = Sketch()
    s.output(s.batch_norm(s.conv(s.input("x", 4, 5, 5), 4, 4), 4))
    found = quantized(s.model, batches(s.model))
    assert not found.simulation.float_orders

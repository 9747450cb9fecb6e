"""Sums that only float layers read leave as reals: no code is made of them, in simulation, measurement and file."""

from __future__ import annotations

import numpy as np

from clika_core.deployment.runtime_kernels import kernels, optimized
from clika_core.numerics import bias_params, fake_quantize
from clika_core.pipeline import deployment
from clika_core.sensitivity.in_the_model import cumulative
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized


def network() -> LoopbackModel:
    """linear -> layer norm -> linear."""
    s = Sketch(3)
    hidden = s.op("layer_norm", s.linear(s.input("x", 8), 8, 6), normalized_axes=1, eps=1e-5)
    return s.output(s.linear(hidden, 6, 4))


def test_the_layer_gives_its_exact_sums_and_the_value_is_not_coded() -> None:
    model = network()
    data = batches(model, size=16)
    found = quantized(model, data)
    spec = found.simulation.specs["linear_1"]
    assert ("linear_1", 0) not in found.simulation.coded
    assert spec.sums is not None
    seen: dict[str, np.ndarray] = {}

    def keep(call):  # type: ignore[no-untyped-def]
        outputs = visitor(call)
        seen[call.node.name] = outputs[0]
        return outputs

    visitor = found.simulation.visitor(found.model.arrays)
    found.model.interpret(data[0], keep)
    x, weights = spec.inputs[0], found.model.parameters("linear_1")
    assert x is not None
    bias = fake_quantize(weights["bias"], bias_params(x, spec.weights["weight"]))
    rounded = fake_quantize(data[0][0], x), fake_quantize(weights["weight"], spec.weights["weight"])
    wanted = rounded[0].astype(np.float64) @ rounded[1].astype(np.float64).T + bias
    np.testing.assert_allclose(seen["linear_1"], wanted, rtol=1e-5, atol=1e-6)


def test_its_sensitivity_is_that_of_inputs_and_weights_alone() -> None:
    model = network()
    data = batches(model, size=16)
    found = quantized(model, data)
    assert 0 < found.measurements["linear_1"].qs < 0.05
    in_model = cumulative(found.model, found.simulation, found.plan.groups, data)
    assert in_model["linear_1"].qs == found.measurements["linear_1"].qs  # nothing before it is quantized


def test_onnxruntime_computes_it_in_integers_and_gives_the_same_reals() -> None:
    model = network()
    data = batches(model, size=16)
    found = quantized(model, data)
    file = deployment.deploy(found).quantized
    assert ("linear_1", 0) not in file.code_names  # type: ignore[attr-defined]
    ran = kernels(optimized(file.model), ["linear_1", "layer_norm_1"])  # type: ignore[attr-defined]
    assert all(ran["linear_1"].values()), ran
    assert not any(ran["layer_norm_1"].values())
    ours, theirs = deployment.run_simulation(found, data), deployment.run_deployed(file, data)
    assert deployment.relative_distance(ours, theirs) < 1e-6

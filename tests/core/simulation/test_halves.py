"""Sums in front of some float layers are rounded in two halves: in simulation, after equalization, and in the file.

The built-in targets do so for PReLU; here a leaky ReLU that a rule keeps float stands for it.
"""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.deployment.agreement import layer_agreement
from clika_core.deployment.runtime_kernels import kernels, optimized
from clika_core.frozen import replace
from clika_core.numerics import bias_params, fake_quantize
from clika_core.pipeline import deployment
from clika_core.pipeline.quantization import Quantized
from clika_core.simulation.points import ABOVE, BELOW, BOUNDS
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, Sketch, batches
from tests.core.loopback.quantizing import (
    SYMMETRIC,
    after_training,
    float_values,
    only,
    quantized,
    settings_with,
    simulated_values,
)


def network(*, read_twice: bool = False) -> LoopbackModel:
    """conv -> leaky_relu -> conv; with `read_twice` a third convolution reads the first one's result too."""
    s = Sketch(5)
    first = s.conv(s.input("x", 3, 8, 8), 3, 4)
    hidden = s.op("leaky_relu", first, negative_slope=0.2)
    outputs = [s.conv(hidden, 4, 4), *([s.conv(first, 4, 4)] if read_twice else [])]
    return s.output(*outputs)


def halving(target: Target, *types: str) -> Target:
    """The target with halves for float readers of these types."""
    conv = replace(target.kernels["conv"], halves_for=types)
    return replace(target, kernels={**target.kernels, "conv": conv})


HALVING = halving(ORT, "leaky_relu")
FLOAT = settings_with(skip=["leaky_relu_1"])


def run(target: Target = HALVING, *, read_twice: bool = False) -> tuple[Quantized, list[Batch]]:
    model = network(read_twice=read_twice)
    data = batches(model, size=16)
    return quantized(model, data, target, FLOAT), data


def test_each_half_is_rounded_to_its_own_codes_and_the_value_leaves_as_reals() -> None:
    found, data = run()
    spec = found.simulation.specs["conv_1"]
    assert ("conv_1", 0) not in found.parameters.activations
    above, below = (found.parameters.activations["conv_1", port] for port in (ABOVE, BELOW))
    assert (int(above.zero_point), int(below.zero_point)) == (0, 255)
    assert above.scale != below.scale
    values = simulated_values(found, data[0])
    given, weights = spec.inputs[0], found.model.parameters("conv_1")
    assert given is not None
    weight = fake_quantize(weights["weight"], spec.weights["weight"])
    bias = fake_quantize(weights["bias"], bias_params(given, spec.weights["weight"]))
    sums = _convolved(fake_quantize(data[0][0], given), weight, bias)
    wanted = fake_quantize(np.maximum(sums, 0), above) + fake_quantize(np.minimum(sums, 0), below)
    difference = np.abs(values["conv_1", 0] - wanted)
    assert np.mean(difference > 1e-5) < 1e-3  # but for ties, and by no more than a step there
    assert difference.max() <= 1.01 * max(above.scale, below.scale)


@pytest.mark.parametrize(
    ("target", "read_twice"), [(HALVING, True), (halving(SYMMETRIC, "leaky_relu"), False)]
)
def test_a_value_that_integers_read_too_or_whose_codes_are_symmetric_has_one_row_of_codes(
    target: Target, read_twice: bool
) -> None:
    found, _ = run(target, read_twice=read_twice)
    assert ("conv_1", ABOVE) not in found.parameters.activations
    assert ("conv_1", 0) in found.simulation.coded


def test_its_error_is_smaller_than_with_one_row_of_codes() -> None:
    errors = []
    for target in (HALVING, halving(ORT)):
        found, data = run(target)
        wanted, values = float_values(found.model, data[0]), simulated_values(found, data[0])
        errors.append(float(np.square(values["leaky_relu_1", 0] - wanted["leaky_relu_1", 0]).mean()))
    assert errors[0] < 0.8 * errors[1]


def test_halves_are_calibrated_behind_equalization_where_channels_are_equalized() -> None:
    found, data = run()
    settings = only("cross_layer_equalization", skip=["leaky_relu_1"])
    better = after_training(network(), data, settings, HALVING)
    assert better.improvements["cross_layer_equalization"].layers == ("conv_1",)
    halves = [[each.parameters.activations["conv_1", port] for port in BOUNDS] for each in (found, better)]
    assert halves[0] != halves[1]
    reals = np.concatenate([float_values(better.model, batch)["conv_1", 0] for batch in data])
    limits = [float(half.scale) * 255 for half in halves[1]]
    np.testing.assert_allclose(limits, [reals.max(), -reals.min()], rtol=1e-5)


def test_onnxruntime_computes_both_halves_in_integers_and_gives_the_same_codes() -> None:
    found, data = run()
    file = deployment.deploy(found).quantized
    ran = kernels(optimized(file.model), ["conv_1", "leaky_relu_1"])  # type: ignore[attr-defined]
    assert ran["conv_1"] == {"QLinearConv": True, "Add": False}
    types = [node.op_type for node in optimized(file.model).graph.node]  # type: ignore[attr-defined]
    assert (types.count("QLinearConv"), types.count("Conv")) == (3, 0)
    ours, theirs = deployment.run_simulation(found, data), deployment.run_deployed(file, data)
    assert deployment.relative_distance(ours, theirs) < 1e-6
    agreement = layer_agreement(found.model, found.simulation, file, data)["conv_1"]
    assert agreement.compared == 2 * 4 * 64 * sum(len(batch[0]) for batch in data)
    assert agreement.different == 0


def _convolved(x: np.ndarray, weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """A 3 x 3 convolution with zeros around, in float64."""
    padded = np.pad(x.astype(np.float64), ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    summed = np.einsum("nchwij,ocij->nohw", windows, weight.astype(np.float64))
    return np.asarray(summed + bias[:, None, None])

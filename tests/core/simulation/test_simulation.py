"""Random networks, layer by layer, against integers: the codes are equal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.backend.interface import LayerCall
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_loopback.model import LoopbackModel
from clika_loopback.target import EDGE
from tests.core.loopback.networks import SAME, Sketch, batches, image_network, sequence_network
from tests.core.loopback.oracle import INEXACT, Oracle
from tests.core.loopback.quantizing import SYMMETRIC, quantized, settings_with, simulated_values

Array = NDArray[Any]
TARGETS = {"uint8": ORT, "symmetric int8": SYMMETRIC, "one weight scale": EDGE}
MAKERS: dict[str, Callable[[int], LoopbackModel]] = {"image": image_network, "sequence": sequence_network}


def differences(model: LoopbackModel, target: Target = ORT, *skip: str) -> dict[str, Array]:
    """Per quantized group, by how many codes the simulation differs from the oracle."""
    data = batches(model)
    found = quantized(model, data, target, settings_with(skip=skip))
    oracle = Oracle(found, simulated_values(found, found.model.flatten_inputs(data[1])))
    types = {head: found.model.graph[head].type for head in found.plan.groups}
    return {
        f"{types[head]} {head}": np.concatenate(
            [np.abs(a - b).ravel() for a, b in zip(theirs, ours, strict=True)]
        )
        for head, theirs, ours in oracle.groups()
    }


def check(found: dict[str, Array]) -> None:
    for name, difference in found.items():
        if name.split()[0] in INEXACT:
            assert difference.max() <= 1, name
            assert np.count_nonzero(difference) <= max(1, difference.size // 1000), name
        else:
            assert difference.max() == 0, name


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", MAKERS)
def test_codes_are_those_of_integer_arithmetic(kind: str, target: str, seed: int) -> None:
    found = differences(MAKERS[kind](seed), TARGETS[target])
    assert len(found) > 5
    check(found)


@pytest.mark.parametrize("seed", range(4))
def test_codes_stay_exact_around_layers_that_are_float(seed: int) -> None:
    model = image_network(seed)
    check(differences(model, ORT, "conv_1", "conv_3"))
    check(differences(model, ORT, "op:conv"))


def test_strides_dilations_and_groups_reach_the_sums() -> None:
    s = Sketch(5)
    x = s.op("relu", s.conv(s.input("x", 4, 9, 9), 4, 4))
    h = s.op(
        "conv", x, weight=s.weights(6, 2, 2, 3), strides=(2, 1), dilations=(2, 3), padding=SAME, groups=2
    )
    found = differences(s.output(h))
    check(found)
    assert set(found) == {"conv conv_1", "conv conv_2"}


def test_a_padding_of_its_own_pads_with_the_code_of_zero() -> None:
    s = Sketch(2)
    x = s.op("leaky_relu", s.conv(s.input("x", 4, 6, 6), 4, 4))
    padded = s.op("pad", x, pads=((0, 0), (0, 0), (1, 2), (0, 1)))
    found = differences(s.output(s.op("conv", padded, weight=s.weights(4, 4, 3, 3))))
    assert "pad pad_1" in found
    check(found)


def wide_network() -> tuple[LoopbackModel, list[tuple[Array, ...]]]:
    """3,000 products of positive codes: sums far above 2**24."""
    s = Sketch(1)
    weight = s.random.uniform(0.5, 1, (5, 3000)).astype(np.float32)
    sums = s.op("linear", s.input("x", 3000), weight=weight, bias=s.weights(5))
    model = s.output(s.op("relu", sums))
    return model, [(s.random.uniform(0.2, 1, (32, 3000)).astype(np.float32),) for _ in range(2)]


def test_sums_above_the_integers_of_float32_stay_exact() -> None:
    model, data = wide_network()
    found = quantized(model, data)
    ((_, theirs, ours),) = Oracle(found, simulated_values(found, data[0])).groups()
    np.testing.assert_array_equal(theirs[0], ours[0])


def test_without_float64_they_would_not() -> None:
    model, data = wide_network()
    found = quantized(model, data)
    spec, arrays = found.simulation.specs["linear_1"], found.model.arrays
    sums: dict[str, Array] = {}

    def tap(call: LayerCall) -> tuple[Array, ...]:
        if call.node.type == "relu":
            return call.run()
        assert spec.inputs[0] is not None
        codes = arrays.quantize(call.inputs[0], spec.inputs[0])
        weight = arrays.quantize(call.weights["weight"], spec.weights["weight"])
        for dtype in ("float32", "float64"):
            cast = {"weight": arrays.cast(weight, dtype), "bias": None}
            (sums[dtype],) = call.run([arrays.cast(codes, dtype)], cast)
        return call.run()

    found.model.interpret(data[0], tap)
    assert spec.accumulate_dtype == "float64"
    assert sums["float64"].max() > 2**24
    assert np.any(sums["float32"] != sums["float64"])

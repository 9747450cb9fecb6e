"""Balancing keeps what a model computes in float, computes nearer to it in integers, and is deployed as simulated."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika_core.deployment.agreement import layer_agreement
from clika_core.deployment.onnx_model import quantized_onnx
from clika_core.pipeline import deployment
from clika_core.pipeline.quantization import Quantized
from clika_core.quality.balancing import balance_activations
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, batches, image_network
from tests.core.loopback.quantizing import quantized, settings_with, simulated_values
from tests.core.quality.encoders import balanced, data_of, post_norm, pre_norm, work_of

SEEDS = st.integers(0, 2**16)


def distance(found: Quantized, data: list[Batch]) -> float:
    floats = deployment.run_float(found.floating, data)
    return deployment.relative_distance(deployment.run_simulation(found, data), floats)


def without_rounding(found: Quantized, inputs: Batch) -> list[np.ndarray]:
    """The improved model in float, its gains where they are applied: what its integers stand for."""
    model, gains, wiring = found.model, found.simulation.gains, found.simulation.wiring

    def gained(call):  # type: ignore[no-untyped-def]
        if call.node.name not in found.simulation.specs:
            return call.run()
        keys = [wiring.origin.get(port.key, port.key) for port in call.node.inputs]
        return call.run([x * gains.get(key, np.float32(1)) for key, x in zip(keys, call.inputs, strict=True)])

    return list(model.interpret(inputs, gained))


@pytest.mark.parametrize("build", [pre_norm, post_norm])
@settings(deadline=None, max_examples=15)
@given(seed=SEEDS)
def test_the_float_function_stays_within_rounding(build, seed: int) -> None:  # type: ignore[no-untyped-def]
    model = build(seed)
    data = data_of(model, seed)
    found, better = balanced(model, data)
    wanted = found.model.interpret(data[0], lambda call: call.run())
    for ours, theirs in zip(without_rounding(better, data[0]), wanted, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4 * float(np.abs(theirs).max()))


@settings(deadline=None, max_examples=15)
@given(seed=SEEDS)
def test_gains_of_one_give_the_same_codes(seed: int) -> None:
    model = post_norm(seed)
    data = data_of(model, seed)
    found = quantized(model, data)
    work = work_of(found, data)
    ones = {("layer_norm_1", 0): (1.0,) * 8, ("gelu_1", 0): (1.0,) * 16}
    given_ = replace(work, parameters=replace(found.parameters, gains=ones))
    same = given_.with_weights({("linear_1", "weight"): found.model.parameters("linear_1")["weight"]})
    ours = simulated_values(replace(found, model=same.model, simulation=same.simulation), data[0])
    for key, value in simulated_values(found, data[0]).items():
        np.testing.assert_array_equal(value, ours[key])


@pytest.mark.parametrize("build", [pre_norm, post_norm])
def test_errors_fall_where_a_channel_is_large(build) -> None:  # type: ignore[no-untyped-def]
    for seed in range(5):
        model = build(seed)
        found, better = balanced(model, data_of(model, seed))
        fresh = data_of(model, seed + 100)
        assert distance(better, fresh) < 0.8 * distance(found, fresh)


def test_a_norm_takes_gains_where_nothing_else_reads_it_and_a_product_elsewhere() -> None:
    folded, multiplied = pre_norm(1), post_norm(1)
    _, better = balanced(folded, data_of(folded))
    assert ("layer_norm_1", 0) not in better.parameters.gains
    assert not np.array_equal(
        better.model.parameters("layer_norm_1")["weight"],
        better.floating.parameters("layer_norm_1")["weight"],
    )
    _, better = balanced(multiplied, data_of(multiplied))
    assert ("layer_norm_1", 0) in better.parameters.gains
    np.testing.assert_array_equal(
        better.model.parameters("layer_norm_1")["weight"],
        better.floating.parameters("layer_norm_1")["weight"],
    )


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("build", [pre_norm, post_norm])
def test_what_is_deployed_computes_what_is_simulated(build, seed: int) -> None:  # type: ignore[no-untyped-def]
    model = build(seed)
    data = data_of(model, seed)
    _, better = balanced(model, data)
    file = quantized_onnx(better.model, better.plan, better.simulation)
    products = [node.name for node in file.model.graph.node if node.op_type == "Mul"]
    assert len(products) == len(better.parameters.gains)
    agreement = layer_agreement(better.model, better.simulation, file, data)
    assert set(agreement) == {key[0] for key in (*better.simulation.coded, *better.simulation.quantize_at)}
    compared = sum(same.compared for same in agreement.values())
    assert sum(same.different for same in agreement.values()) <= compared * 1e-3  # a float norm's last bit


def test_few_samples_and_small_gains_are_told() -> None:
    model = post_norm(2)
    data = batches(model, count=1, size=2)
    _, said = balance_activations(work_of(quantized(model, data), data))
    assert said.layers == ()
    reason = "6 positions in half of the samples are too few to know the ranges of 16 channels"
    assert said.details["left"]["gelu_1.0"] == reason
    assert "none of 2 values" in said.summary


def test_models_without_such_borders_stay_as_they_are() -> None:
    model: LoopbackModel = image_network(1)
    data = batches(model)
    work = work_of(quantized(model, data, settings=settings_with(tail=True)), data)
    after, said = balance_activations(work)
    assert after is work
    assert said.layers == ()


def test_what_was_done_is_said_by_value() -> None:
    model = post_norm(3)
    data = data_of(model)
    _, better = balanced(model, data)
    said = better.improvements["activation_balancing"]
    value = said.details["values"]["layer_norm_1.0"]
    assert value["error"] < 0.7
    assert value["norm"] is None
    assert value["smallest_gain"] < 1 < value["largest_gain"]
    assert "linear_1" in said.layers

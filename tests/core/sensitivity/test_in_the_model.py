"""Errors in the whole model, against runs of that model put together by hand."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clika_core.pipeline.deployment import relative_distance, run_float, run_simulation
from clika_core.sensitivity.in_the_model import cumulative, one_at_a_time
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches, image_network, sequence_network
from tests.core.loopback.quantizing import float_values, quantized, settings_with, simulated_values

NETWORKS = pytest.mark.parametrize("make", [image_network, sequence_network])


@NETWORKS
@pytest.mark.parametrize("seed", [0, 3])
def test_one_layer_at_a_time_is_the_model_with_all_others_skipped(
    make: Callable[[int], LoopbackModel], seed: int
) -> None:
    model = make(seed)
    data = batches(model)
    whole = quantized(model, data)
    found = one_at_a_time(whole.model, whole.simulation, whole.plan.groups, data)
    heads = [head for head in whole.plan.groups if head in found]
    assert len(heads) > 4
    chosen = [head for head in heads if whole.plan.graph[head].weights][:3] + heads[-1:]
    for head in chosen:
        kept = set(whole.plan.groups[head].members)
        others = [node.name for node in whole.plan.graph.layers if node.name not in kept]
        alone = quantized(model, data, settings=settings_with(skip=others))
        if set(alone.simulation.specs) != {head}:
            continue  # beside float layers, one that only moves values follows them
        if alone.simulation.specs[head].sums != whole.simulation.specs[head].sums:
            continue  # its sums are rounded in the whole model, and not for float readers alone
        wanted = relative_distance(run_simulation(alone, data), run_float(alone.model, data))
        assert found[head].qs == pytest.approx(wanted, rel=1e-5), head


@NETWORKS
def test_cumulative_compares_the_quantized_model_s_values_with_the_float_ones(
    make: Callable[[int], LoopbackModel],
) -> None:
    model = make(1)
    data = batches(model)
    found = quantized(model, data)
    ours = cumulative(found.model, found.simulation, found.plan.groups, data)
    errors: dict[str, float] = {}
    references: dict[str, float] = {}
    for batch in data:
        codes, reals = simulated_values(found, batch), float_values(found.model, batch)
        for head, group in found.plan.groups.items():
            for port in range(len(found.plan.graph[group.end].outputs)):
                params = found.simulation.coded.get((group.end, port))
                if params is not None:
                    value = codes[group.end, port].astype(np.float64) * float(params.scale)
                    real = reals[group.end, port].astype(np.float64)
                    errors[head] = errors.get(head, 0.0) + float(((value - real) ** 2).sum())
                    references[head] = references.get(head, 0.0) + float((real**2).sum())
    assert len(errors) > 4
    for head, error in errors.items():
        assert ours[head].qs == pytest.approx(math.sqrt(error / (references[head] or 1.0)), rel=1e-5)


def test_a_layer_whose_input_is_exact_has_the_same_error_in_the_model_as_alone() -> None:
    s = Sketch()
    model = s.output(s.conv(s.op("relu", s.conv(s.input("x", 4, 6, 6), 4, 4)), 4, 4))
    data = batches(model)
    found = quantized(model, data)
    in_model = cumulative(found.model, found.simulation, found.plan.groups, data)
    assert in_model["conv_1"].qs == pytest.approx(found.measurements["conv_1"].qs)
    assert in_model["conv_2"].qs > 0
    assert in_model["relu_1"] == in_model["conv_1"]


def test_the_last_layer_alone_costs_the_outputs_its_own_error() -> None:
    s = Sketch()
    model = s.output(s.linear(s.op("leaky_relu", s.linear(s.input("x", 8), 8, 8)), 8, 4))
    data: Any = batches(model)
    found = quantized(model, data)
    task = one_at_a_time(found.model, found.simulation, found.plan.groups, data)
    assert task["linear_2"].qs == pytest.approx(found.measurements["linear_2"].qs, rel=1e-6)

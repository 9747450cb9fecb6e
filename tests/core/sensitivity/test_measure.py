"""QS of every layer in one pass, against the definition computed for one group at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.backend.interface import Visitor
from clika_core.backend.workers import Workers
from clika_core.pipeline.quantization import Quantized
from clika_core.sensitivity.measure import measure
from clika_core.sensitivity.sums import Measurement
from clika_core.targets.ort import ORT
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, Sketch, batches, image_network, sequence_network
from tests.core.loopback.oracle import Oracle
from tests.core.loopback.quantizing import SYMMETRIC, float_values, quantized, settings_with
from tests.core.together import together

Array = NDArray[Any]


def by_the_definition(found: Quantized, data: Sequence[Batch]) -> dict[str, float]:
    """||Q - F|| / ||F|| of each group, its inputs those of the float model, squares summed over all batches."""
    errors: dict[str, float] = {}
    references: dict[str, float] = {}
    for batch in data:
        values = float_values(found.model, found.model.flatten_inputs(batch))
        oracle = Oracle(found, values, all_are_reals=True)
        for head, end in oracle.quantized_groups():
            for port, ours in enumerate(oracle.reals(head)):
                reference = values[end, port].astype(np.float64)
                errors[head] = errors.get(head, 0.0) + float(((ours - reference) ** 2).sum())
                references[head] = references.get(head, 0.0) + float((reference**2).sum())
    return {head: math.sqrt(error / (references[head] or 1.0)) for head, error in errors.items()}


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("make", [image_network, sequence_network])
@pytest.mark.parametrize("target", [ORT, SYMMETRIC], ids=["uint8", "symmetric"])
def test_every_group_is_measured_as_defined(
    target: Any, make: Callable[[int], LoopbackModel], seed: int
) -> None:
    model = make(seed)
    data = batches(model)
    found = quantized(model, data, target)
    expected = by_the_definition(found, data)
    assert len(expected) > 5
    for head, qs in expected.items():
        assert found.measurements[head].qs == pytest.approx(qs, rel=1e-3, abs=1e-12), head


def measured(found: Quantized, data: Sequence[Batch]) -> dict[str, Measurement]:
    return measure(found.model, found.simulation, found.plan.groups, data)


def test_batches_merge_as_if_they_were_one() -> None:
    s = Sketch()
    weight = s.random.integers(-3, 4, (6, 4, 3, 3)).astype(
        np.float32
    )  # sums of integers are the same in any batch
    model = s.output(s.op("relu", s.op("conv", s.input("x", 4, 6, 6), weight=weight)))
    data = [(s.random.integers(-9, 10, (4, 4, 6, 6)).astype(np.float32),) for _ in range(4)]
    found = quantized(model, data)
    whole = [(np.concatenate([x for (x,) in data]),)]
    one, four = measured(found, whole)["conv_1"], measured(found, data)["conv_1"]
    assert one.qs > 0
    assert four.qs == pytest.approx(one.qs, rel=1e-12)
    assert four.abs_l2 == pytest.approx(one.abs_l2, rel=1e-12)


def test_every_member_of_a_group_carries_the_group_s() -> None:
    s = Sketch()
    h = s.op("relu6", s.op("relu", s.batch_norm(s.conv(s.input("x", 4, 6, 6), 4, 4), 4)))
    found = quantized(model := s.output(h), batches(model))
    assert set(found.measurements) == {"conv_1", "relu_1", "relu6_1"}
    assert len(set(found.measurements.values())) == 1


def test_layers_that_cannot_be_quantized_are_not_measured() -> None:
    s = Sketch()
    h = s.op("tanh", s.linear(s.input("x", 8), 8, 8))
    found = quantized(model := s.output(s.linear(h, 8, 3)), batches(model))
    assert set(found.measurements) == {"linear_1", "linear_2"}


def test_rules_and_tail_change_no_measurement() -> None:
    model = image_network(4)
    data = batches(model)
    free = quantized(model, data).measurements
    restricted = quantized(model, data, settings=settings_with(skip=["op:conv"], tail=True))
    assert restricted.plan.skipped
    assert restricted.measurements == free


def test_one_pass_over_the_data_measures_all_layers() -> None:
    model = image_network(3)
    data = batches(model)
    found = quantized(model, data)
    read: list[int] = []

    def once() -> Iterator[Batch]:
        for position, batch in enumerate(data):
            read.append(position)
            yield batch

    passes = _count_runs(found)
    measure(found.model, found.simulation, found.plan.groups, once())
    assert read == [0, 1, 2]
    assert passes == [1, 1, 1]


def _count_runs(found: Quantized) -> list[int]:
    """Grows by one whenever the model is interpreted."""
    runs: list[int] = []
    interpret = found.model.interpret

    def counting(inputs: Sequence[Array], visitor: Visitor) -> tuple[Array, ...]:
        runs.append(1)
        return interpret(inputs, visitor)

    found.model.interpret = counting  # type: ignore[method-assign]
    return runs


def test_a_layer_that_yields_only_zeros_is_not_sensitive() -> None:
    s = Sketch()
    model = s.output(s.op("relu", s.op("linear", s.input("x", 4), weight=-np.eye(4, dtype=np.float32))))
    data = [(np.abs(x),) for (x,) in batches(model)]
    found = quantized(model, data)
    assert found.measurements["relu_1"] == Measurement(0.0, 0.0, math.inf)


def test_an_error_where_the_float_layer_is_zero_is_infinite() -> None:
    s = Sketch()
    weight = np.array([[1, -0.5, -0.5]], np.float32)  # codes 127, -64, -64: they do not cancel
    model = s.output(s.op("linear", s.input("x", 3), weight=weight))
    equal = np.ones((4, 3), np.float32) * np.array([[1], [2], [3], [4]], np.float32)
    nearly = equal + s.random.uniform(-0.01, 0.01, (4, 3)).astype(np.float32)
    found = quantized(model, [(nearly,)])
    after = measured(found, [(equal,)])["linear_1"]
    assert (after.qs, after.sqnr_db) == (math.inf, -math.inf)
    assert 0 < after.abs_l2 < 1


def test_a_nan_in_the_data_is_a_finding_and_no_number() -> None:
    model = image_network(0)
    data = batches(model)
    found = quantized(model, data)
    data[1][0][0, 0, 0, 0] = np.nan
    with np.errstate(invalid="ignore"):
        after = measured(found, data)
    assert math.isnan(after["conv_1"].qs)
    assert math.isnan(after["conv_1"].sqnr_db)


def test_sums_of_workers_are_those_of_one_process() -> None:
    model = image_network(0)
    data = batches(model)
    found = quantized(model, data)
    one = measured(found, data)
    again = [found, quantized(model, data)]

    def work(workers: Workers) -> dict[str, Measurement]:
        own = again[workers.rank]
        return measure(own.model, own.simulation, own.plan.groups, data[workers.rank :: 2], workers)

    for many in together(2, work):
        assert isinstance(many, dict)
        assert many.keys() == one.keys()
        for layer, measurement in one.items():
            assert many[layer].qs == pytest.approx(measurement.qs, rel=1e-12)
            assert many[layer].abs_l2 == pytest.approx(measurement.abs_l2, rel=1e-12)

"""Calibration sees every value it is asked for, in one pass, whatever the batches; what is not finite is named."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.backend.preprocessing import preprocess
from clika_core.backend.workers import Workers
from clika_core.calibration.calibrate import Calibration, calibrate, make_parameters
from clika_core.errors import DataError
from clika_core.ir.graph import ValueKey
from clika_core.ir.recording import Ref
from clika_core.observers import OBSERVERS
from clika_core.planning.plan import make_plan
from clika_core.planning.wiring import Wiring
from clika_core.schemes.named import ACTIVATION_UINT8
from clika_core.simulation.points import quantization_points
from clika_core.targets.ort import ORT
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import LoopbackTracedModel, trace
from tests.core.loopback.networks import Sketch
from tests.core.loopback.quantizing import float_values, settings_with
from tests.core.together import together

Array = NDArray[np.float32]
VALUES: tuple[ValueKey, ...] = (("x", 0), ("conv_1", 0), ("relu_1", 0), ("split_1", 0), ("split_1", 1))


def whole(random: np.random.Generator, *shape: int) -> Array:
    """Small integers: float32 sums of their products are exact, in any order."""
    return random.integers(-4, 5, shape).astype(np.float32)


def network() -> LoopbackModel:
    s = Sketch()
    x = s.input("x", 2, 5, 5)
    h = s.op("relu", s.op("conv", x, weight=whole(s.random, 4, 2, 3, 3), bias=whole(s.random, 4)))
    parts = s.op("split", h, axis=1, sizes=(1, 3))
    return s.output(s.op("concat", Ref(parts.record, 1), parts, h, axis=1))


def prepared() -> LoopbackTracedModel:
    model = preprocess(trace(network(), samples(2)))
    assert isinstance(model, LoopbackTracedModel)
    return model


def samples(count: int) -> Array:
    return whole(np.random.default_rng(7), count, 2, 5, 5)


def seen(batches: Sequence[Array], observer: str = "min_max") -> Calibration:
    return calibrate(prepared(), VALUES, [(batch,) for batch in batches], OBSERVERS[observer])


def test_every_value_is_observed_over_all_batches() -> None:
    x = samples(12)
    found = seen(np.split(x, 3))
    values = float_values(prepared(), (x,))
    assert (found.num_batches, found.num_samples) == (3, 12)
    for key in VALUES:
        extent = found.observers[key].extent
        assert (extent.num_samples, extent.min_value, extent.max_value) == (
            12,
            values[key].min(),
            values[key].max(),
        )


@pytest.mark.parametrize("observer", OBSERVERS)
def test_neither_the_split_into_batches_nor_their_order_matters(observer: str) -> None:
    x = samples(12)
    order = np.random.default_rng(1).permutation(12)
    ways = [[x], np.split(x, 4), np.split(x[order], [1, 6]), [part[::-1] for part in np.split(x, 2)]]
    found = [seen(way, observer).observers for way in ways]
    for key in VALUES:
        params = [observers[key].params(ORT.activation_scheme()) for observers in found]
        assert params == params[:1] * len(ways), key


def test_data_without_a_batch_is_refused() -> None:
    with pytest.raises(DataError, match="the calibration data has no batch"):
        seen([])


@pytest.mark.parametrize(
    ("value", "found"), [(np.nan, "1 NaN and 0 infinite"), (np.inf, "0 NaN and 1 infinite")]
)
def test_an_input_that_is_not_finite_is_named_with_its_batch(value: float, found: str) -> None:
    x = samples(6)
    x[4, 1, 2, 3] = value
    with pytest.raises(
        DataError, match="input 'x' holds values that are not finite in calibration batch 2"
    ) as error:
        seen(np.split(x, 3))
    assert error.value.found is not None
    assert found in error.value.found


def test_a_layer_that_overflows_is_named_with_its_batch() -> None:
    x = samples(4)
    x[3] = 3e38
    data = [(part,) for part in np.split(x, 2)]
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(DataError, match="calibration batch 1 makes conv_1 compute"),
    ):
        calibrate(prepared(), VALUES[1:], data, OBSERVERS["min_max"])


def test_a_value_without_axes_counts_as_one_sample() -> None:
    model = LoopbackModel()
    x = model.input("x", ())
    model.output(model.op("relu", x))
    traced = trace(model, np.float32(2))
    found = calibrate(traced, [("x", 0)], [(np.asarray(np.float32(2)),)] * 3, OBSERVERS["min_max"])
    assert found.num_samples == 3


def test_a_batch_without_elements_is_passed_over() -> None:
    model = LoopbackModel()
    x, cache = model.input("x", ("n", 3)), model.input("cache", ("n", "m", 3))
    for value in (x, cache):
        model.output(model.op("relu", value))
    traced = trace(model, (np.ones((4, 3), np.float32), np.ones((4, 2, 3), np.float32)))
    empty, full = np.zeros((4, 0, 3), np.float32), np.full((4, 2, 3), 7, np.float32)
    data = [(np.ones((4, 3), np.float32), cache) for cache in (empty, full)]
    found = calibrate(traced, [("x", 0), ("cache", 0)], data, OBSERVERS["min_max"])
    assert found.num_samples == 8
    assert found.observers["cache", 0].summary().max_value == 7


def test_parameters_cover_every_point_and_every_weight_of_the_heads() -> None:
    model, wiring = prepared(), Wiring(prepared().graph)
    plan = make_plan(model.graph, settings_with(), ORT)
    points = quantization_points(wiring, plan.groups, ORT, set(plan.skipped))
    found = calibrate(model, points.observed, [(samples(8),)], OBSERVERS["min_max"])
    parameters = make_parameters(model, wiring, list(plan.groups), points, found, ORT, {})
    assert set(parameters.activations) == {*points.observed, *points.shared}
    assert set(parameters.weights) == {("conv_1", "weight")}
    assert parameters.activations["split_1", 1] == parameters.activations["relu_1", 0]


@pytest.mark.parametrize("is_skipped", [False, True])
def test_a_type_has_its_fixed_output_parameters_only_where_it_is_quantized(is_skipped: bool) -> None:
    s = Sketch()
    model = trace(s.output(s.op("relu", s.op("softmax", s.input("x", 5)))), np.zeros((2, 5), np.float32))
    wiring = Wiring(model.graph)
    plan = make_plan(model.graph, settings_with(skip=["softmax_1"] if is_skipped else []), ORT)
    points = quantization_points(wiring, plan.groups, ORT, set(plan.skipped))
    found = calibrate(model, points.observed, [(np.eye(5, dtype=np.float32) * 3,)], OBSERVERS["min_max"])
    heads = [head for head in plan.groups if head not in plan.skipped]
    params = make_parameters(model, wiring, heads, points, found, ORT, {}).activations["softmax_1", 0]
    fixed = (1 / 256, 0)
    assert ((float(params.scale), int(params.zero_point)) != fixed) == is_skipped


@pytest.mark.parametrize("observer", sorted(OBSERVERS))
def test_workers_see_together_what_one_process_sees(observer: str) -> None:
    batches = np.split(samples(24), 6)
    whole = seen(batches, observer)

    def work(workers: Workers) -> Calibration:
        own = [batch for number, batch in enumerate(batches) if number % 4 == workers.rank]
        own = [] if workers.rank == 3 else own  # a worker may have nothing
        given = own + (batches[3:4] if workers.rank == 0 else [])
        return calibrate(prepared(), VALUES, [(batch,) for batch in given], OBSERVERS[observer], workers)

    for found in together(4, work):
        assert isinstance(found, Calibration)
        assert found.num_samples == whole.num_samples
        for key, expected in whole.observers.items():
            assert found.observers[key].summary() == expected.summary()
            assert found.observers[key].params(ACTIVATION_UINT8) == expected.params(ACTIVATION_UINT8)

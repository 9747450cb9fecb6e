"""Batch norms fold into the layers before them and dropouts go, and the model computes what it computed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from clika_core.backend.interface import LayerCall, TracedModel
from clika_core.backend.preprocessing import fold_batch_norm, preprocess
from clika_core.errors import GraphError
from clika_core.ir.recording import Ref
from clika_core.testing import GraphBuilder
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches


def _conv(s: Sketch, x: Ref) -> Ref:
    return s.conv(x, 4, 6)


def _conv_without_bias(s: Sketch, x: Ref) -> Ref:
    return s.op("conv", x, weight=s.weights(6, 4, 3, 3))


def _depthwise(s: Sketch, x: Ref) -> Ref:
    return s.conv(x, 4, 8, groups=4)


def _transposed(groups: int) -> Callable[[Sketch, Ref], Ref]:
    def build(s: Sketch, x: Ref) -> Ref:
        weight = s.weights(4, 6 // groups, 2, 2)
        return s.op("conv_transpose", x, weight=weight, bias=s.weights(6), strides=(2, 2), groups=groups)

    return build


def _linear(s: Sketch, x: Ref) -> Ref:
    return s.linear(s.op("flatten", x), 4 * 36, 6)


def _through_dropout(s: Sketch, x: Ref) -> Ref:
    return s.op("dropout", s.conv(x, 4, 6), rate=0.5)


HOSTS = {
    "conv": (_conv, 6),
    "conv without bias": (_conv_without_bias, 6),
    "depthwise": (_depthwise, 8),
    "transposed": (_transposed(1), 6),
    "transposed in groups": (_transposed(2), 6),
    "linear": (_linear, 6),
    "through a dropout": (_through_dropout, 6),
}


def visited(model: TracedModel, inputs: tuple[np.ndarray, ...]) -> tuple[list[str], list[np.ndarray]]:
    """The layers that a float run visits, and its outputs."""
    names: list[str] = []

    def tap(call: LayerCall) -> tuple[np.ndarray, ...]:
        names.append(call.node.name)
        return call.run()

    return names, list(model.interpret(inputs, tap))


def network(kind: str) -> LoopbackModel:
    s = Sketch(3)
    build, channels = HOSTS[kind]
    return s.output(s.op("relu", s.batch_norm(build(s, s.input("x", 4, 6, 6)), channels)))


@pytest.mark.parametrize("kind", HOSTS)
def test_a_folded_norm_changes_nothing_but_rounding(kind: str) -> None:
    model = network(kind)
    ((x,),) = batches(model, count=1)
    names, (found,) = visited(preprocess(trace(model, x)), (x,))
    expected = model(x)
    assert "batch_norm_1" not in names
    assert "dropout_1" not in names
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * np.abs(expected).max())


@pytest.mark.parametrize("kind", HOSTS)
def test_the_user_s_model_and_its_trace_keep_their_parameters(kind: str) -> None:
    model = network(kind)
    before = {name: array.copy() for name, array in model.parameters.items()}
    traced = trace(model, batches(model)[0])
    preprocess(traced)
    for name, array in before.items():
        np.testing.assert_array_equal(model.parameters[name], array)
    assert traced.removed == {}


def test_a_convolution_used_twice_takes_each_of_its_norms() -> None:
    s = Sketch()
    x = s.input("x", 4, 6, 6)
    weight = s.model.parameter("shared.weight", s.weights(4, 4, 3, 3))
    first = s.batch_norm(s.op("conv", x, weight), 4)
    second = s.batch_norm(s.op("conv", x, weight), 4)
    model = s.output(s.op("add", first, second))
    ((x_values,),) = batches(model, count=1)
    prepared = preprocess(trace(model, x_values))
    assert set(prepared.removed) == {"batch_norm_1", "batch_norm_2"}
    first_weight, second_weight = (prepared.parameters(name)["weight"] for name in ("conv_1", "conv_2"))
    assert not np.array_equal(first_weight, second_weight)
    _, (found,) = visited(prepared, (x_values,))
    np.testing.assert_allclose(found, model(x_values), rtol=0, atol=1e-5)


def test_a_norm_stays_where_another_layer_reads_its_host() -> None:
    s = Sketch()
    host = s.conv(s.input("x", 4, 6, 6), 4, 4)
    model = s.output(s.op("add", s.batch_norm(host, 4), host))
    ((x,),) = batches(model, count=1)
    names, (found,) = visited(preprocess(trace(model, x)), (x,))
    assert "batch_norm_1" in names
    np.testing.assert_array_equal(found, model(x))


def test_folding_is_computed_in_float64_and_rounded_once() -> None:
    g = GraphBuilder()
    host = g.layer("linear", g.input("x", ("d0", 3)), weight=(2, 3))
    norm = g.layer("batch_norm", host, epsilon=0.25, weights={"running_mean": (2,), "running_var": (2,)})
    g.output(norm)
    graph = g.build()
    weights = {"weight": np.arange(6).reshape(2, 3).astype(np.float32), "bias": np.array([1, 2], np.float32)}
    statistics = {"running_mean": np.array([3, 4], np.float32), "running_var": np.array([2, 7], np.float32)}
    folded = fold_batch_norm(graph["linear_1"], weights, graph["batch_norm_1"], statistics)
    factor = 1 / np.sqrt(np.array([2.25, 7.25]))
    np.testing.assert_array_equal(folded["weight"], np.float32(weights["weight"] * factor[:, None]))
    np.testing.assert_array_equal(folded["bias"], np.float32((np.array([1.0, 2.0]) - [3, 4]) * factor))


def test_a_norm_without_statistics_is_named() -> None:
    g = GraphBuilder()
    norm = g.layer("batch_norm", g.layer("linear", g.input(), weight=(2, 8)))
    g.output(norm)
    graph = g.build()
    with pytest.raises(GraphError, match="'batch_norm_1' has no running statistics"):
        fold_batch_norm(graph["linear_1"], {}, graph["batch_norm_1"], {})

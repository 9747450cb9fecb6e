"""The loopback backend keeps the contract of a backend: what it traces it runs, and nobody's model changes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core import numerics
from clika_core.backend.interface import LayerCall, Removals
from clika_core.errors import DataError, GraphError, ModelError, TraceError
from clika_core.ir.recording import Ref
from clika_core.numerics import QuantParams, bias_params, params_from_range, quantize_bias
from clika_core.schemes.named import ACTIVATION_INT8, ACTIVATION_UINT8, WEIGHT_INT8
from clika_loopback.arrays import LoopbackArrays
from clika_loopback.backend import LoopbackBackend
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches, image_network, sequence_network

Array = NDArray[Any]
ARRAYS = LoopbackArrays()


def natively(call: LayerCall) -> tuple[Array, ...]:
    return call.run()


def two_layers() -> LoopbackModel:
    s = Sketch()
    x = s.input("x", 3)
    weight = s.model.parameter("shared", s.weights(3, 3))
    return s.output(s.op("linear", s.op("linear", x, weight), weight, bias=s.weights(3)))


@pytest.mark.parametrize("make", [image_network, sequence_network])
@pytest.mark.parametrize("seed", range(3))
def test_a_traced_model_runs_as_the_model_does(make: Callable[[int], LoopbackModel], seed: int) -> None:
    model = make(seed)
    traced = trace(model, batches(model, size=2)[0])
    for batch in batches(model, size=5):
        for found in (traced.run(batch), traced.run(dict(zip(model.inputs, batch, strict=True)))):
            expected = model(*batch)
            leaves = expected if isinstance(expected, tuple) else (expected,)
            for ours, theirs in zip(leaves, found if isinstance(found, tuple) else (found,), strict=True):
                np.testing.assert_array_equal(theirs, ours)


def test_sizes_that_follow_from_the_batch_are_symbols() -> None:
    s = Sketch()
    x = s.input("x", 4, 6)
    model = s.output(s.op("reshape", x, shape=(-1, 6)), s.op("concat", x, x, s.weights(1, 4, 6), axis=0))
    graph = trace(model, np.zeros((2, 4, 6), np.float32)).graph
    assert graph["x"].outputs[0].shape == ("d0", 4, 6)
    assert graph["reshape_1"].outputs[0].shape == ("4*d0", 6)
    assert graph["concat_1"].outputs[0].shape == ("2*d0 + 1", 4, 6)
    assert graph["concat_1"].outputs[0].example_shape == (5, 4, 6)


def test_a_batch_that_is_not_free_is_noticed() -> None:
    s = Sketch()
    model = s.output(s.op("reshape", s.input("x", 4), shape=(2, 4)))
    with pytest.raises(TraceError, match=r"net cannot be run on x \[3, 4\]"):
        trace(model, np.zeros((2, 4), np.float32))


def test_a_composite_is_one_layer_and_runs_as_its_parts() -> None:
    s = Sketch()
    x = s.input("x", 6)
    silu = s.op("mul", x, s.op("sigmoid", x))
    powers = s.op("exp", silu)
    model = s.output(s.op("div", powers, s.op("sum", powers, axes=(-1,), keep_dims=True)))
    traced = trace(model, np.zeros((2, 6), np.float32))
    assert "silu" in {node.type for node in traced.graph.layers}
    assert "sigmoid" not in {node.type for node in traced.graph.layers}
    batch = batches(model)[0]
    np.testing.assert_array_equal(traced.run(batch), model(*batch))


def test_expressions_of_parameters_are_weights_of_their_readers() -> None:
    s = Sketch()
    weight = s.op("permute", s.model.parameter("w", s.weights(3, 4)), axes=(1, 0))
    model = s.output(s.op("linear", s.input("x", 3), weight))
    traced = trace(model, np.zeros((2, 3), np.float32))
    assert [node.name for node in traced.graph.layers] == ["linear_1"]
    np.testing.assert_array_equal(traced.parameters("linear_1")["weight"], model.parameters["w"].T)
    batch = batches(model)[0]
    np.testing.assert_array_equal(traced.run(batch), model(*batch))


def test_a_result_that_depends_on_no_input_is_kept() -> None:
    s = Sketch()
    s.output(s.op("relu", s.input("x", 3)), s.model.parameter("table", s.weights(4)))
    traced = trace(s.model, np.zeros((2, 3), np.float32))
    assert [node.type for node in traced.graph.layers] == ["relu", "constant"]
    np.testing.assert_array_equal(traced.run(np.ones((1, 3), np.float32))[1], s.model.parameters["table"])


GIVEN: dict[str, tuple[Any, str]] = {
    "another dtype": (np.zeros((2, 3)), "input 'x' has another dtype"),
    "another size": (np.zeros((2, 4), np.float32), "input 'x' has a shape"),
    "another rank": (np.zeros(3, np.float32), "input 'x' has a shape"),
    "another name": ({"y": np.zeros((2, 3), np.float32)}, "these are not the inputs"),
    "one too many": ((np.zeros((2, 3), np.float32),) * 2, "these are not the inputs"),
    "none": ((), "these are not the inputs"),
}


@pytest.mark.parametrize("case", GIVEN)
def test_inputs_that_do_not_fit_are_named(case: str) -> None:
    traced = trace(two_layers(), np.zeros((2, 3), np.float32))
    given, message = GIVEN[case]
    with pytest.raises(DataError, match=message) as error:
        traced.flatten_inputs(given)
    assert error.value.expected


def test_a_size_is_the_same_wherever_it_occurs() -> None:
    s = Sketch()
    traced = trace(
        s.output(s.op("add", s.input("a", 2), s.input("b", 2))), (np.zeros((2, 2), np.float32),) * 2
    )
    with pytest.raises(DataError, match="input 'b' has a shape"):
        traced.flatten_inputs((np.zeros((2, 2), np.float32), np.zeros((3, 2), np.float32)))


def test_parameters_of_one_layer_are_written_without_touching_another() -> None:
    model = two_layers()
    traced = trace(model, np.zeros((2, 3), np.float32))
    held = traced.parameters("linear_1")
    held["weight"][...] = 9  # a copy
    assert not np.any(held["weight"] == 9)
    held["weight"] = np.zeros((3, 3), np.float32)
    held["bias"] = np.ones(3, np.float32)
    assert (set(held), len(held)) == ({"weight", "bias"}, 2)
    np.testing.assert_array_equal(traced.parameters("linear_2")["weight"], model.parameters["shared"])
    expected = (
        np.ones((2, 3), np.float32) @ model.parameters["shared"].T + traced.parameters("linear_2")["bias"]
    )
    np.testing.assert_array_equal(traced.run(np.ones((2, 3), np.float32)), expected)
    assert np.any(model.parameters["shared"])


def test_what_is_no_operand_cannot_be_written() -> None:
    held = trace(two_layers(), np.zeros((2, 3), np.float32)).parameters("linear_1")
    with pytest.raises(GraphError, match="'linear_1' has no operand 'gamma'") as error:
        held["gamma"] = np.zeros(3, np.float32)
    assert error.value.expected == "weight, bias"
    with pytest.raises(GraphError, match="has another shape"):
        held["weight"] = np.zeros(3, np.float32)
    with pytest.raises(GraphError, match="cannot be deleted"):
        del held["weight"]
    with pytest.raises(KeyError):
        held["bias"]


def test_a_visitor_may_replace_inputs_and_weights() -> None:
    traced = trace(two_layers(), np.zeros((2, 3), np.float32))
    x, eye = np.ones((1, 3), np.float32), np.eye(3, dtype=np.float32)
    bias = traced.parameters("linear_2")["bias"]

    def visit(call: LayerCall) -> tuple[Array, ...]:
        if call.node.name == "linear_1":
            return call.run([call.inputs[0] * 2], {"weight": eye, "bias": np.full(3, 5, np.float32)})
        return call.run(weights={"weight": eye, "bias": None})

    np.testing.assert_array_equal(traced.interpret((x,), visit)[0], [[7, 7, 7]])
    (found,) = traced.interpret((x,), lambda call: call.run(weights={"weight": eye}))
    np.testing.assert_array_equal(found, x + bias)


def test_a_role_without_a_place_is_refused() -> None:
    traced = trace(two_layers(), np.zeros((2, 3), np.float32))
    with pytest.raises(GraphError, match="'linear_1' has no operand 'gamma'"):
        traced.interpret((np.ones((1, 3), np.float32),), lambda call: call.run(weights={"gamma": np.ones(3)}))


def test_an_array_read_in_two_roles_may_be_given_as_two() -> None:
    s = Sketch()
    x = s.input("x", 2)
    traced = trace(s.output(s.op("mul", x, x)), np.zeros((2, 2), np.float32))
    one = np.ones((1, 2), np.float32)
    (found,) = traced.interpret((one,), lambda call: call.run([one * 2, one * 5]))
    np.testing.assert_array_equal(found, [[10, 10]])


def test_computing_follows_a_wider_dtype() -> None:
    traced = trace(two_layers(), np.zeros((2, 3), np.float32))
    (found,) = traced.interpret((np.ones((1, 3)),), natively)
    assert found.dtype == np.float64


def test_a_copy_without_removed_layers_shares_nothing_with_its_model() -> None:
    s = Sketch()
    model = s.output(s.linear(s.op("dropout", s.input("x", 3), rate=0.5), 3, 3))
    traced = trace(model, np.zeros((2, 3), np.float32))
    copy = traced.preprocess(Removals({"dropout_1": None}))
    copy.parameters("linear_1")["weight"] = np.zeros((3, 3), np.float32)
    assert copy.removed == {"dropout_1": None}
    visited: list[str] = []

    def visit(call: LayerCall) -> tuple[Array, ...]:
        visited.append(call.node.name)
        return call.run()

    copy.interpret((np.ones((1, 3), np.float32),), visit)
    assert visited == ["linear_1"]
    np.testing.assert_array_equal(traced.run(np.ones((1, 3), np.float32)), model(np.ones((1, 3), np.float32)))


def test_a_native_model_keeps_its_own_parameters() -> None:
    traced = trace(two_layers(), np.zeros((2, 3), np.float32))
    native = traced.native(lambda model, inputs: model.interpret(inputs, natively))
    x = np.ones((1, 3), np.float32)
    before = native(x)
    traced.parameters("linear_1")["weight"] = np.zeros((3, 3), np.float32)
    np.testing.assert_array_equal(native(x=x), before)


@pytest.mark.parametrize("scheme", [ACTIVATION_UINT8, ACTIVATION_INT8, WEIGHT_INT8])
def test_arrays_compute_the_reference(scheme: Any) -> None:
    random = np.random.default_rng(0)
    x = random.standard_normal((6, 50)).astype(np.float32) * 3
    shape = scheme.granularity.scale_shape(x.shape)
    params = params_from_range(np.full(shape, -2.0), np.full(shape, 5.0), scheme)
    codes = numerics.quantize(x, params)
    zero = params.zero_point if params.zero_point.ndim == 0 else params.zero_point[:, None]
    centred = ARRAYS.quantize(x, params)
    assert centred.dtype == np.float32
    np.testing.assert_array_equal(centred, codes.astype(np.float32) - zero)
    np.testing.assert_array_equal(ARRAYS.dequantize(centred, params), numerics.dequantize(codes, params))


def test_arrays_rescale_and_round_biases_as_the_reference() -> None:
    random = np.random.default_rng(1)
    output = params_from_range(-3.0, 4.0, ACTIVATION_UINT8)
    sums = random.integers(-(2**20), 2**20, (2, 5, 7)).astype(np.float32)
    factors = random.uniform(1e-5, 1e-3, 5).astype(np.float32)
    expected = numerics.requantize(sums, factors, output, axis=1).astype(np.float32) - output.zero_point
    np.testing.assert_array_equal(ARRAYS.rescale(sums, factors, 1, output), expected)
    inputs = params_from_range(-1.0, 1.0, ACTIVATION_UINT8)
    weight = QuantParams(
        np.array([1e-9, 0.1], np.float32), np.zeros(2, np.int32), WEIGHT_INT8.format, WEIGHT_INT8.granularity
    )
    bias = np.array([5.0, -0.25], np.float32)
    rounded = ARRAYS.round_to_codes(bias, bias_params(inputs, weight).scale, 2.0**31 - 1)
    np.testing.assert_array_equal(rounded, quantize_bias(bias, inputs, weight))


def test_the_backend_finds_its_models_and_says_what_it_cannot_do() -> None:
    backend = LoopbackBackend()
    assert backend.accepts(two_layers())
    assert not backend.accepts(3)
    found = backend.describe()
    assert (found.name, found.version, found.problem) == ("loopback", np.__version__, None)
    assert [gap.what for gap in found.gaps] == ["training", "compilation", "recurrent layers", "the demo"]
    with pytest.raises(ModelError, match="loopback has no demo network"):
        backend.demo_network()
    with pytest.raises(ModelError, match="loopback has no demo network"):
        backend.train_demo_network(Path(), seed=0, progress=lambda _: None)


def test_a_type_that_is_not_computed_is_refused_when_it_is_written() -> None:
    model = LoopbackModel()
    with pytest.raises(ModelError, match="loopback computes no 'lstm'"):
        model.op("lstm", model.input("x", ("n", 2)))
    assert isinstance(model.op("split", Ref("x"), axis=0, sizes=(1,)), Ref)


def test_registering_loads_no_numpy(root: Path) -> None:
    plugin = root / "tests" / "plugins" / "clika_loopback"
    program = f"import sys; sys.path.insert(0, {str(plugin)!r}); import clika_loopback.registration as r\n"
    program += "assert not r.clika_register_backends()[0].accepts(3)\nprint('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"

"""Values cross between codes and reals once, shared by all who read them; the outputs of the model are reals."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import LayerCall
from clika_core.ir.recording import Ref
from clika_core.numerics import QuantParams
from clika_core.pipeline.quantization import Quantized
from clika_loopback.arrays import LoopbackArrays
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import LoopbackTracedModel
from tests.core.loopback.networks import Sketch, batches
from tests.core.loopback.quantizing import quantized, settings_with, simulated_values

Array = NDArray[Any]


class CountingArrays(LoopbackArrays):
    """Counts how often activations are quantized and dequantized, by their parameters."""

    def __init__(self) -> None:
        self.quantized: Counter[QuantParams] = Counter()
        self.dequantized: Counter[QuantParams] = Counter()

    def quantize(self, array: Array, params: QuantParams) -> Array:
        self.quantized[params] += 1
        return super().quantize(array, params)

    def dequantize(self, codes: Array, params: QuantParams) -> Array:
        self.dequantized[params] += 1
        return super().dequantize(codes, params)


def counted(found: Quantized) -> CountingArrays:
    """One run of the simulation over counting arrays."""
    assert isinstance(found.model, LoopbackTracedModel)
    found.model.arrays = arrays = CountingArrays()
    found.simulation.run(
        found.model, [np.ones(_shape(n.outputs[0].shape), np.float32) for n in found.model.graph.inputs]
    )
    return arrays


def _shape(shape: tuple[int | str, ...]) -> list[int]:
    return [2 if isinstance(size, str) else size for size in shape]


def run(model: LoopbackModel, *skip: str, tail: bool = False) -> Quantized:
    return quantized(model, batches(model), settings=settings_with(skip=skip, tail=tail))


def test_an_input_with_many_integer_readers_is_quantized_once() -> None:
    s = Sketch()
    x = s.input("x", 8)
    model = s.output(*(s.linear(x, 8, 3) for _ in range(3)))
    found = run(model)
    assert counted(found).quantized[found.parameters.activations["x", 0]] == 1


def test_a_float_layer_s_value_is_quantized_once_for_all_integer_readers() -> None:
    s = Sketch()
    h = s.op("tanh", s.linear(s.input("x", 8), 8, 8))
    found = run(s.output(s.linear(h, 8, 3), s.linear(h, 8, 4)))
    assert found.plan.skipped == ("tanh_1",)
    assert counted(found).quantized[found.parameters.activations["tanh_1", 0]] == 1


def test_a_code_is_dequantized_once_for_all_float_readers_and_the_output() -> None:
    s = Sketch()
    h = s.linear(s.input("x", 8), 8, 8)
    found = run(s.output(s.op("tanh", h), s.op("silu", h), h, s.linear(h, 8, 3)))
    assert counted(found).dequantized[found.parameters.activations["linear_1", 0]] == 1


def test_between_integer_layers_nothing_is_dequantized() -> None:
    s = Sketch()
    h = s.op("relu", s.linear(s.input("x", 8), 8, 8))
    found = run(s.output(s.op("relu", s.linear(h, 8, 3))))
    assert list(counted(found).dequantized) == [found.parameters.activations["relu_2", 0]]


def test_outputs_are_reals_on_the_grid_of_their_layer() -> None:
    s = Sketch()
    x = s.input("x", 8)
    model = s.output(s.op("relu", s.linear(x, 8, 4)), s.linear(x, 8, 4), s.op("tanh", x), x)
    found = run(model)
    data = batches(model)[0]
    grid, sums, floating, passed = found.simulation.run(found.model, data)
    reals = found.simulation.specs["linear_2"].sums
    assert reals is not None
    for steps in (grid / found.parameters.activations["relu_1", 0].scale, sums / reals.scale):
        np.testing.assert_allclose(steps, np.rint(steps), rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(floating, np.tanh(data[0]))
    np.testing.assert_array_equal(passed, data[0])


def test_a_float_tail_computes_on_what_was_dequantized() -> None:
    s = Sketch()
    h = s.op("relu", s.linear(s.input("x", 8), 8, 8))
    model = s.output(s.op("linear", h, weight=s.weights(3, 8)))
    found = run(model, tail=True)
    assert found.plan.skipped == ("linear_2",)
    (x,) = batches(model)[0]
    values = simulated_values(found, (x,))
    reals = values["relu_1", 0].astype(np.float32) * found.parameters.activations["relu_1", 0].scale
    weight = found.model.parameters("linear_2")["weight"]
    (output,) = found.simulation.run(found.model, (x,))
    np.testing.assert_array_equal(output, reals @ weight.T)


def test_a_removed_layer_between_a_float_and_an_integer_layer_keeps_the_border() -> None:
    s = Sketch()
    h = s.op("dropout", s.op("tanh", s.input("x", 8)))
    model = s.output(s.linear(h, 8, 3), h)
    found = run(model)
    assert ("tanh_1", 0) in found.simulation.quantize_at
    outputs = found.simulation.run(found.model, batches(model)[0])
    np.testing.assert_array_equal(outputs[1], np.tanh(batches(model)[0][0]))


def test_indices_reach_a_quantized_layer_as_they_are() -> None:
    s = Sketch()
    h = s.linear(s.input("x", 8), 8, 6)
    picked = s.op("gather", h, s.op("cast", s.input("y", dtype="int64"), dtype="int64"), axis=1)
    model = s.output(s.op("leaky_relu", picked))
    found = run(model)
    assert "gather_1" in found.plan.quantized
    x, y = batches(model)[0]
    values = simulated_values(found, (x, y))
    np.testing.assert_array_equal(values["gather_1", 0], values["linear_1", 0][:, y])


def test_every_port_of_a_split_carries_the_codes_it_was_given() -> None:
    s = Sketch()
    parts = s.op("split", s.linear(s.input("x", 8), 8, 6), axis=1, sizes=(2, 4))
    model = s.output(parts, Ref(parts.record, 1))
    found = run(model)
    values = simulated_values(found, batches(model)[0])
    joined = np.concatenate([values["split_1", 0], values["split_1", 1]], axis=1)
    np.testing.assert_array_equal(joined, values["linear_1", 0])


def test_every_port_of_a_float_layer_has_a_border_of_its_own() -> None:
    s = Sketch()
    parts = s.op("split", s.op("tanh", s.input("x", 8)), axis=1, sizes=(3, 5))
    model = s.output(s.linear(parts, 3, 2), s.linear(Ref(parts.record, 1), 5, 2))
    found = run(model)
    assert found.plan.skipped == ("tanh_1", "split_1")
    assert {border.name for border in found.plan.borders if border.producer == "split_1"} == {
        "split_1_quantized",
        "split_1.1_quantized",
    }
    ranges = [found.parameters.activations["split_1", port] for port in (0, 1)]
    assert found.simulation.quantize_at == {("split_1", 0): ranges[0], ("split_1", 1): ranges[1]}
    quantized_once = counted(found).quantized
    assert ranges[0] != ranges[1]
    assert [quantized_once[params] for params in ranges] == [1, 1]


def test_a_fused_member_passes_its_head_s_codes_on() -> None:
    s = Sketch()
    found = run(s.output(s.op("relu6", s.op("relu", s.linear(s.input("x", 8), 8, 6)))))
    values = simulated_values(found, (np.ones((2, 8), np.float32),))
    assert found.simulation.members == {"relu_1", "relu6_1"}
    for member in ("relu_1", "relu6_1"):
        np.testing.assert_array_equal(values[member, 0], values["linear_1", 0])


def test_a_visitor_of_the_core_s_alone_runs_the_simulation() -> None:
    s = Sketch()
    model = s.output(s.op("tanh", s.linear(s.input("x", 8), 8, 6)))
    found = run(model)
    data = batches(model)[0]
    visitor = found.simulation.visitor(found.model.arrays)
    order: list[str] = []

    def tap(call: LayerCall) -> Any:
        order.append(call.node.name)
        return visitor(call)

    outputs = visitor.finish(found.model.interpret(data, tap))
    assert order == ["linear_1", "tanh_1"]
    np.testing.assert_array_equal(outputs[0], found.simulation.run(found.model, data)[0])

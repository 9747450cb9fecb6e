"""A network whose channels are last is the same network: same decisions, same codes, the same file."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.deployment.agreement import layer_agreement
from clika_core.deployment.layout import channels_first, inverse
from clika_core.deployment.onnx_model import float_onnx, quantized_onnx
from clika_core.deployment.onnx_runtime import Session
from clika_core.ir.channels import SPATIAL
from clika_core.ir.recording import Ref
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Batch, Sketch, batches, image_network
from tests.core.loopback.quantizing import quantized, simulated_values

Array = NDArray[Any]
SEEDS = range(8)
LAST = (0, 2, 3, 1)


def channels_last(model: LoopbackModel) -> LoopbackModel:
    """The same network over [n, H, W, C]; before a flatten the axes go back."""
    found = LoopbackModel(model.name)
    for entry in model.inputs.values():
        n, channels, *space = entry.shape
        found.input(entry.name, (n, *space, channels), entry.dtype)
    made = {Ref(name): Ref(name) for name in found.inputs}
    ranks = {Ref(name): 4 for name in found.inputs}
    for operation in model.operations:
        attributes = dict(operation.attributes)
        operands: dict[str, Any] = {}
        for role, ref in operation.operands:
            weight = model.parameters.get(ref.record)
            is_spread = weight is not None and operation.type in ("add", "mul")
            operands[role] = made.get(ref, weight.reshape(-1) if is_spread and weight is not None else weight)
        rank = ranks.get(operation.operands[0][1], 2)
        if operation.type in SPATIAL:
            attributes["channel_axis"] = 3
        if (rank == 4 and "axis" in attributes) or operation.type == "batch_norm":
            attributes["axis"] = 3
        if operation.type == "flatten":
            operands["input"] = found.op("permute", operands["input"], axes=(0, 3, 1, 2))
        ref = found.op(operation.type, **operands, **attributes)
        for port in range(4):
            made[Ref(operation.id, port)] = Ref(ref.record, port)
            ranks[Ref(operation.id, port)] = 2 if operation.type in ("flatten", "linear", "softmax") else rank
    for path, ref in model.outputs:
        found.output(made[ref], path)
    return found


def turned(batch: Batch) -> Batch:
    return tuple(array.transpose(LAST) for array in batch)


@pytest.mark.parametrize("seed", SEEDS)
def test_decisions_and_codes_are_those_of_channels_first(seed: int) -> None:
    model = image_network(seed)
    data = batches(model)
    first = quantized(model, data)
    last = quantized(channels_last(model), [turned(batch) for batch in data])
    decided = {d.name: d for d in first.plan.decisions}
    for decision in last.plan.decisions:
        if not decision.name.startswith("permute"):
            assert decision.precision == decided[decision.name].precision, decision.name
    codes, same = simulated_values(first, data[0]), simulated_values(last, turned(data[0]))
    for key, array in codes.items():
        expected = array.transpose(LAST) if array.ndim == 4 else array
        np.testing.assert_array_equal(same[key], expected, err_msg=str(key))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_file_computes_what_the_simulation_does(seed: int) -> None:
    model = channels_last(image_network(seed))
    data = batches(model)
    found = quantized(model, data)
    reals = Session(float_onnx(found.model).model).run(data[0])
    for given, wanted in zip(reals, model(*data[0]), strict=True):
        np.testing.assert_allclose(given, wanted, rtol=1e-4, atol=1e-5)
    file = quantized_onnx(found.model, found.plan, found.simulation)
    agreement = layer_agreement(found.model, found.simulation, file, data)
    assert set(agreement) == {key[0] for key in file.code_names}
    assert all(layer.share_equal >= 0.999 and layer.largest_difference <= 1 for layer in agreement.values())


def test_values_are_transposed_where_the_network_is_entered_and_left_and_nowhere_between() -> None:
    s = Sketch(3)
    x = s.input("x", 4, 6, 6)
    y = s.op("relu", s.op("add", s.batch_norm(s.conv(x, 4, 4), 4), s.conv(x, 4, 4)))
    y = s.op("max_pool", s.op("mul", y, s.weights(4, 1, 1)), kernel_size=(2, 2))
    model = channels_last(s.output(s.op("relu", y)))
    found = quantized(model, batches(model))
    file = quantized_onnx(found.model, found.plan, found.simulation)
    kinds = Counter(node.op_type for node in file.model.graph.node)
    assert kinds["Transpose"] == 2


def test_a_global_mean_is_one_pool_whose_axes_may_go() -> None:
    s = Sketch(5)
    x = s.input("x", 6, 6, 4)
    y = s.op("conv", x, weight=s.weights(4, 4, 3, 3), channel_axis=3)
    model = s.output(s.linear(s.op("mean", s.op("relu", y), axes=(1, 2)), 4, 3))
    found = quantized(model, batches(model))
    pool = found.plan.graph["adaptive_avg_pool_1"]
    assert dict(pool.attributes) == {"output_size": (1, 1), "keep_dims": False, "channel_axis": 3}
    assert found.plan["adaptive_avg_pool_1"].precision == "quantized"
    file = quantized_onnx(found.model, found.plan, found.simulation)
    agreement = layer_agreement(found.model, found.simulation, file, batches(model))
    assert agreement["adaptive_avg_pool_1"].largest_difference <= 1


def test_a_mean_over_other_axes_stays_a_mean() -> None:
    s = Sketch(6)
    y = s.op("conv", s.input("x", 6, 6, 4), weight=s.weights(4, 4, 3, 3), channel_axis=3)
    model = s.output(s.op("mean", y, axes=(2, 3)))
    assert "mean_1" in quantized(model, batches(model)).plan.graph


def test_a_graph_with_channels_first_is_written_as_it_is() -> None:
    graph = quantized(image_network(0), batches(image_network(0))).plan.graph
    layout = channels_first(graph)
    assert not layout.wanted
    assert not layout.values
    assert all(layout.nodes[node.name] is node for node in graph.nodes)


def test_an_order_and_its_inverse_cancel() -> None:
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    np.testing.assert_array_equal(array.transpose(LAST).transpose(inverse(LAST)), array)

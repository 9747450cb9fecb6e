"""What stands in a deployed file: weights as int8, biases as int32, one pair for each value, names of layers."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from clika_core.deployment.onnx_model import OnnxFile, float_onnx, quantized_onnx
from clika_core.deployment.onnx_runtime import Session
from clika_core.pipeline.deployment import relative_distance, run_simulation
from clika_core.pipeline.quantization import Quantized
from clika_core.targets.ort import ORT
from clika_loopback.model import LoopbackModel
from tests.core.loopback.networks import Sketch, batches, image_network
from tests.core.loopback.quantizing import quantized, settings_with

Array = NDArray[Any]


def network() -> LoopbackModel:
    """A stem with a norm, a residual sum, a head that reads two things, an output in the middle."""
    s = Sketch(4, "small")
    stem = s.op("relu", s.batch_norm(s.conv(s.input("x", 4, 6, 6), 4, 4), 4))
    total = s.op("add", stem, s.conv(stem, 4, 4))
    pooled = s.op("flatten", s.op("adaptive_avg_pool", total, output_size=(1, 1)))
    return s.output(s.linear(pooled, 4, 3), stem)


def written(model: LoopbackModel | None = None, **settings: Any) -> tuple[Quantized, OnnxFile]:
    chosen = model or network()
    found = quantized(chosen, batches(chosen), settings=settings_with(**settings))
    return found, quantized_onnx(found.model, found.plan, found.simulation)


def initializers(file: OnnxFile) -> Mapping[str, Array]:
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in file.model.graph.initializer}


def test_weights_are_stored_as_int8_and_biases_as_int32() -> None:
    found, file = written()
    held = initializers(file)
    for layer in ("conv_1", "conv_2", "linear_1"):
        weight, bias = held[f"{layer}_weight_codes"], held[f"{layer}_bias_codes"]
        assert (weight.dtype, bias.dtype) == (np.int8, np.int32)
        params = found.parameters.weights[layer, "weight"]
        scale = params.scale.reshape(-1, *[1] * (weight.ndim - 1))
        np.testing.assert_array_equal(weight, np.rint(found.model.parameters(layer)["weight"] / scale))
        np.testing.assert_array_equal(held[f"{layer}_weight_scale"], params.scale)
    weights = sum(array.size for array in held.values() if array.ndim > 1 and array.dtype == np.float32)
    assert weights == 0


def test_scales_and_zero_points_of_values_have_no_axes() -> None:
    _, file = written()
    for name, array in initializers(file).items():
        if name.endswith(("_scale", "_zero_point")) and "_weight_" not in name and "_bias_" not in name:
            assert array.ndim == 0, name


def test_every_quantized_value_has_one_pair_whoever_reads_it() -> None:
    found, file = written()
    values = {*found.simulation.coded, *found.simulation.quantize_at}
    assert set(file.code_names) == values
    kinds = Counter(node.op_type for node in file.model.graph.node)
    assert kinds["QuantizeLinear"] == len(values)
    stored = len(found.parameters.weights) + 3  # three biases
    assert kinds["DequantizeLinear"] == len(values) + stored


def test_layers_keep_their_names_and_the_file_says_what_it_is() -> None:
    found, file = written()
    names = {node.name for node in file.model.graph.node}
    assert {node.name for node in found.model.graph.layers} - names == {"batch_norm_1"}
    metadata = {entry.key: entry.value for entry in file.model.metadata_props}
    assert metadata["clika.fingerprint"] == found.plan.graph.fingerprint
    assert metadata["clika.target"] == "ort"
    precisions = json.loads(metadata["clika.precision"])
    assert precisions == {decision.name: str(decision.precision) for decision in found.plan.decisions}
    assert precisions["batch_norm_1"] == "removed"


def test_inputs_and_outputs_are_those_of_the_graph_with_a_free_batch() -> None:
    _, file = written()
    graph = file.model.graph
    assert [value.name for value in graph.input] == ["x"]
    assert [value.name for value in graph.output] == ["output_1", "output_2"]
    batch = graph.input[0].type.tensor_type.shape.dim[0]
    assert batch.dim_param == "d0"
    for size in (1, 5):
        outputs = Session(file.model).run([np.ones((size, 4, 6, 6), np.float32)])
        assert [output.shape[0] for output in outputs] == [size, size]


def test_the_deployed_model_computes_what_was_simulated() -> None:
    model = network()
    found, file = written(model)
    data = batches(model, seed=9)
    shipped = [Session(file.model).run(batch) for batch in data]
    assert relative_distance(shipped, run_simulation(found, data)) < 1e-6


def test_the_float_file_computes_what_the_user_s_model_does() -> None:
    model = network()
    found, _ = written(model)
    data = batches(model, seed=9)
    shipped = [Session(float_onnx(found.model).model).run(batch) for batch in data]
    assert relative_distance(shipped, [list(model(*batch)) for batch in data]) < 1e-6


def test_float_layers_keep_float_weights_and_no_pair() -> None:
    _, file = written(skip=["linear_1"])
    held = initializers(file)
    assert held["linear_1_weight"].dtype == np.float32
    assert ("linear_1", 0) not in file.code_names


def test_a_value_read_by_float_and_integer_layers_crosses_once() -> None:
    s = Sketch()
    h = s.op("tanh", s.input("x", 8))
    found, file = written(s.output(s.linear(h, 8, 3), s.linear(h, 8, 4), s.op("silu", h)))
    assert found.plan.skipped == ("tanh_1", "silu_1")
    graph = file.model.graph
    readers = Counter(name for node in graph.node for name in node.input)
    assert readers["tanh_1_dequantized"] == 2
    assert readers["tanh_1"] == 3  # its QuantizeLinear, and both halves of silu


def test_a_weight_used_twice_is_written_for_each_use() -> None:
    s = Sketch()
    weight = s.model.parameter("shared", s.weights(8, 8))
    h = s.op("linear", s.op("relu", s.op("linear", s.input("x", 8), weight)), weight)
    _, file = written(s.output(h))
    held = initializers(file)
    np.testing.assert_array_equal(held["linear_1_weight_codes"], held["linear_2_weight_codes"])


def test_one_scale_for_the_weight_is_a_scalar() -> None:
    kernels = {name: replace(kernel, weight_axis=None) for name, kernel in ORT.kernels.items()}
    model = network()
    found = quantized(model, batches(model), replace(ORT, kernels=kernels))
    held = initializers(quantized_onnx(found.model, found.plan, found.simulation))
    assert held["conv_1_weight_scale"].ndim == 0


@pytest.mark.parametrize("seed", range(6))
def test_the_checker_of_onnx_finds_nothing(seed: int) -> None:
    found, file = written(image_network(seed))
    for model in (file.model, float_onnx(found.model).model):
        onnx.checker.check_model(model, full_check=True)
        assert {entry.domain for entry in model.opset_import} == {""}

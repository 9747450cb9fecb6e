"""The sum of two quantized values is rounded as onnxruntime's kernel rounds it, for every pair of codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray

from clika_core.numerics import QuantParams
from clika_core.schemes.named import ACTIVATION_UINT8
from clika_core.simulation.compute import compute_codes
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.target import Arithmetic
from clika_core.testing.builder import GraphBuilder
from clika_loopback.arrays import LoopbackArrays

LEFT, RIGHT = (codes.reshape(-1) for codes in np.meshgrid(np.arange(256), np.arange(256)))
"""All 65,536 pairs of codes."""


@dataclass(frozen=True)
class Added:
    """A layer call that adds its inputs."""

    weights: Mapping[str, Any]

    def run(self, inputs: Sequence[Any], _: Any = None) -> tuple[Any, ...]:
        return (inputs[0] + inputs[1],)


def params(scale: float, zero_point: int) -> QuantParams:
    scheme = ACTIVATION_UINT8
    return QuantParams(
        np.asarray(scale, np.float32), np.asarray(zero_point, np.int32), scheme.format, scheme.granularity
    )


def simulated(operands: Sequence[QuantParams], output: QuantParams) -> NDArray[Any]:
    g = GraphBuilder()
    x, y = g.input("x", ("d0", 8)), g.input("y", ("d0", 8))
    g.output(g.layer("add", x, y))
    spec = LayerSpec(g.build()["add_1"], Arithmetic.SUM, tuple(operands), {}, (output,))
    centred = [
        codes.astype(np.float32) - np.float32(own.zero_point)
        for codes, own in zip((LEFT, RIGHT), operands, strict=True)
    ]
    (found,) = compute_codes(spec, Added({}), centred, LoopbackArrays())  # type: ignore[arg-type]
    return np.asarray(found) + np.float32(output.zero_point)


def in_onnxruntime(operands: Sequence[QuantParams], output: QuantParams) -> NDArray[Any]:
    helper = onnx.helper
    names = [f"{name}_{part}" for name in "abc" for part in ("scale", "zero")]
    values = [v for p in (*operands, output) for v in (p.scale, p.zero_point.astype(np.uint8))]
    inputs = ["a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "c_scale", "c_zero"]
    graph = helper.make_graph(
        [helper.make_node("QLinearAdd", inputs, ["c"], domain="com.microsoft")],
        "sum",
        [helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, [65536]) for name in "ab"],
        [helper.make_tensor_value_info("c", onnx.TensorProto.UINT8, [65536])],
        [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in zip(names, values, strict=True)],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = {"a": LEFT.astype(np.uint8), "b": RIGHT.astype(np.uint8)}
    return np.asarray(session.run(None, given)[0]).astype(np.float32)


def drawn(seed: int) -> tuple[list[QuantParams], QuantParams]:
    random = np.random.default_rng(seed)
    scales = np.exp(random.uniform(-6, 2, 3))
    zeros = random.integers(0, 256, 2)
    operands = [params(scale, int(zero)) for scale, zero in zip(scales, zeros, strict=False)]
    return operands, params(max(scales[:2]) * random.uniform(0.7, 2), int(random.integers(0, 256)))


@pytest.mark.parametrize("seed", range(20))
def test_every_pair_of_codes_gives_the_runtime_s_code(seed: int) -> None:
    different = simulated(*drawn(seed)) != in_onnxruntime(*drawn(seed))
    assert np.count_nonzero(different) <= 2  # where the runtime's fused product rounds once less


@pytest.mark.parametrize("seed", [44, 58, 130, 214, 304])
def test_sums_that_round_differently_in_another_order_are_the_runtime_s(seed: int) -> None:
    operands, output = drawn(seed)
    codes = zip((LEFT, RIGHT), operands, strict=True)
    reals = [(code - np.float32(own.zero_point)).astype(np.float32) * own.scale for code, own in codes]
    other = np.rint((reals[0] + reals[1]) / output.scale) + np.float32(output.zero_point)
    theirs = in_onnxruntime(operands, output)
    assert np.any(np.clip(other, 0, 255) != theirs)
    assert np.array_equal(simulated(operands, output), theirs)

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

from clika_core import numerics
from clika_core.numerics import QuantParams
from clika_core.schemes.named import ACTIVATION_UINT8
from clika_core.simulation.compute import compute_codes
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.target import Arithmetic
from clika_core.testing.builder import GraphBuilder
from clika_loopback.arrays import LoopbackArrays

Codes = Sequence[NDArray[np.float32]]

PAIRS: Codes = [codes.reshape(-1).astype(np.float32) for codes in np.meshgrid(np.arange(256), np.arange(256))]
"""All 65,536 pairs of codes."""


@dataclass(frozen=True)
class Added:
    """A layer call with the operands that it has of its own."""

    weights: Mapping[str, Any]


def params(scale: float, zero_point: int) -> QuantParams:
    scheme = ACTIVATION_UINT8
    return QuantParams(
        np.asarray(scale, np.float32), np.asarray(zero_point, np.int32), scheme.format, scheme.granularity
    )


def simulated(
    operands: Sequence[QuantParams], output: QuantParams, codes: Codes = PAIRS, constant: int | None = None
) -> NDArray[Any]:
    """The codes of the sum; operand number `constant` belongs to the layer."""
    roles = ("input", "other")
    own = [] if constant is None else [constant]
    computed = [position for position in (0, 1) if position not in own]
    g = GraphBuilder()
    values = [g.input(f"x_{position}", ("d0", 8)) for position in computed]
    g.output(
        g.layer(
            "add",
            *values,
            roles=[roles[position] for position in computed],
            weights={roles[position]: (8,) for position in own},
        )
    )
    inputs = tuple(operands[position] for position in computed)
    weights = {roles[position]: operands[position] for position in own}
    spec = LayerSpec(g.build()["add_1"], Arithmetic.SUM, inputs, weights, (output,))
    centred = [np.asarray(c - np.float32(p.zero_point)) for c, p in zip(codes, operands, strict=True)]
    call = Added({roles[p]: numerics.dequantize(codes[p].astype(np.uint8), operands[p]) for p in own})
    (found,) = compute_codes(spec, call, [centred[p] for p in computed], LoopbackArrays())  # type: ignore[arg-type]
    return np.asarray(found) + np.float32(output.zero_point)


def in_onnxruntime(
    operands: Sequence[QuantParams], output: QuantParams, codes: Codes = PAIRS
) -> NDArray[Any]:
    helper = onnx.helper
    names = [f"{name}_{part}" for name in "abc" for part in ("scale", "zero")]
    values = [v for p in (*operands, output) for v in (p.scale, p.zero_point.astype(np.uint8))]
    inputs = ["a", "a_scale", "a_zero", "b", "b_scale", "b_zero", "c_scale", "c_zero"]
    graph = helper.make_graph(
        [helper.make_node("QLinearAdd", inputs, ["c"], domain="com.microsoft")],
        "sum",
        [
            helper.make_tensor_value_info(name, onnx.TensorProto.UINT8, c.shape)
            for name, c in zip("ab", codes, strict=True)
        ],
        [helper.make_tensor_value_info("c", onnx.TensorProto.UINT8, None)],
        [onnx.numpy_helper.from_array(np.asarray(v), n) for n, v in zip(names, values, strict=True)],
    )
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    given = {name: np.asarray(c, np.uint8) for name, c in zip("ab", codes, strict=True)}
    return np.asarray(session.run(None, given)[0]).astype(np.float32)


def drawn(seed: int) -> tuple[list[QuantParams], QuantParams]:
    random = np.random.default_rng(seed)
    scales = np.exp(random.uniform(-6, 2, 3))
    zeros = random.integers(0, 256, 2)
    operands = [params(scale, int(zero)) for scale, zero in zip(scales, zeros, strict=False)]
    return operands, params(max(scales[:2]) * random.uniform(0.7, 2), int(random.integers(0, 256)))


@pytest.mark.parametrize("seed", range(20))
def test_every_pair_of_codes_gives_the_runtime_s_code(seed: int) -> None:
    assert np.array_equal(simulated(*drawn(seed)), in_onnxruntime(*drawn(seed)))


@pytest.mark.parametrize("seed", [44, 58, 130, 214, 304])
def test_sums_that_round_differently_in_another_order_are_the_runtime_s(seed: int) -> None:
    operands, output = drawn(seed)
    codes = zip(PAIRS, operands, strict=True)
    reals = [(code - np.float32(own.zero_point)).astype(np.float32) * own.scale for code, own in codes]
    other = np.rint((reals[0] + reals[1]) / output.scale) + np.float32(output.zero_point)
    theirs = in_onnxruntime(operands, output)
    assert np.any(np.clip(other, 0, 255) != theirs)
    assert np.array_equal(simulated(operands, output), theirs)


SHAPES = {
    "alike": ((64, 256), (64, 256)),
    "a row": ((64, 256), (256,)),
    "a column": ((64, 256), (64, 1)),
    "a column first": ((64, 1), (64, 256)),
    "a number": ((64, 256), ()),
    "a number first": ((1,), (64, 256)),
}


@pytest.mark.parametrize("shapes", SHAPES)
@pytest.mark.parametrize("constant", [None, 0, 1], ids=["computed", "first constant", "second constant"])
def test_operands_of_all_shapes_and_constants_are_added_as_in_the_runtime(
    shapes: str, constant: int | None
) -> None:
    random = np.random.default_rng(5)
    for seed in range(30):
        codes = [random.integers(0, 256, shape).astype(np.float32) for shape in SHAPES[shapes]]
        found = simulated(*drawn(seed), codes, constant)
        assert np.array_equal(found, in_onnxruntime(*drawn(seed), codes)), seed


def test_a_column_that_comes_first_is_added_last() -> None:
    """With these codes the other order gives another sum."""
    operands, output = drawn(0)
    codes = [np.asarray(c, np.float32) for c in np.ix_(np.arange(256), np.arange(256))]
    ordered = np.broadcast_arrays(*codes)
    assert np.any(simulated(operands, output, codes) != simulated(operands, output, ordered))
    assert np.array_equal(simulated(operands, output, codes), in_onnxruntime(operands, output, codes))

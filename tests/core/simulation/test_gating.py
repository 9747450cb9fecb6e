"""silu on codes: a sigmoid with the parameters that the target demands, then a product."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.errors import TargetError
from clika_core.numerics import QuantParams
from clika_core.schemes import PerTensor
from clika_core.schemes.named import ACTIVATION_INT8
from clika_core.simulation.compute import compute_codes
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.ort import ORT
from clika_core.targets.target import Arithmetic
from clika_core.targets.tflite import TFLITE
from clika_core.testing import GraphBuilder
from clika_loopback.arrays import LoopbackArrays


def params(scale: float, zero_point: int) -> QuantParams:
    return QuantParams(np.asarray(scale), np.asarray(zero_point), ACTIVATION_INT8.format, PerTensor())


def test_codes_are_those_of_the_product_with_the_codes_of_the_sigmoid() -> None:
    g = GraphBuilder()
    g.output(g.layer("silu", g.input("x", ("d0", 8))))
    given, output, gate = params(0.05, 3), params(0.04, -100), params(1 / 256, -128)
    multiplier = np.asarray(0.05 / 256 / 0.04, np.float32)
    spec = LayerSpec(
        g.build()["silu_1"], Arithmetic.GATE, (given,), {}, (output,), multiplier=multiplier, gate=gate
    )
    codes = np.arange(-131, 125).astype(np.float32)
    (found,) = compute_codes(spec, None, [codes], LoopbackArrays(), {})  # type: ignore[arg-type]
    gates = np.rint(256 / (1 + np.exp(-0.05 * codes.astype(np.float64)))).clip(0, 255)
    expected = np.rint(codes * gates * (0.05 / 256 / 0.04)).clip(-28, 227)
    assert np.mean(np.asarray(found) != expected) == 0
    real = 0.05 * codes / (1 + np.exp(-0.05 * codes))
    np.testing.assert_allclose(0.04 * np.asarray(found), real, atol=0.035)


def test_a_target_without_parameters_for_a_sigmoid_says_so() -> None:
    assert TFLITE.fixed_params("sigmoid") == (1 / 256, -128)
    with pytest.raises(TargetError, match="ort says nothing of the output of sigmoid"):
        ORT.fixed_params("sigmoid")

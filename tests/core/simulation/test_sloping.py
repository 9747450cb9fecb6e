"""prelu on codes: what is below zero times the codes of its slopes, each side with its own multiplier."""

from __future__ import annotations

import numpy as np

from clika_core.numerics import QuantParams
from clika_core.schemes import PerTensor
from clika_core.schemes.named import ACTIVATION_INT8
from clika_core.simulation.compute import compute_codes
from clika_core.simulation.fixed_point import shifts_of
from clika_core.simulation.layer_spec import LayerSpec
from clika_core.targets.target import Arithmetic
from clika_core.testing import GraphBuilder
from clika_loopback.arrays import LoopbackArrays

SLOPES = np.asarray([-50, 0, 25, 127], np.float32)


def params(scale: float, zero_point: int) -> QuantParams:
    return QuantParams(np.asarray(scale), np.asarray(zero_point), ACTIVATION_INT8.format, PerTensor())


def test_both_sides_of_zero_have_their_multiplier() -> None:
    g = GraphBuilder()
    g.output(g.layer("prelu", g.input("x", ("d0", 4)), roles=["input"], weights={"weight": (4,)}))
    given, slope, output = params(0.05, 10), params(0.01, 0), params(0.06, -40)
    above = 0.05 / 0.06
    spec = LayerSpec(
        g.build()["prelu_1"],
        Arithmetic.SLOPE,
        (given,),
        {"weight": slope},
        (output,),
        multiplier=np.asarray(above, np.float32),
        shifts=shifts_of(np.float64(above)),
        slope_multiplier=np.asarray(above * 0.01, np.float32),
        slope_shifts=shifts_of(np.float64(above * 0.01)),
    )
    codes = np.repeat(np.arange(-138, 118)[:, None], 4, axis=1).astype(np.float32)
    weights = {"weight": SLOPES}
    (found,) = compute_codes(spec, None, [codes], LoopbackArrays(), weights)  # type: ignore[arg-type]
    real = np.where(codes >= 0, codes * 0.05, codes * SLOPES * 0.01 * 0.05)
    expected = (real / 0.06).clip(-88, 167)
    assert np.abs(np.asarray(found) - expected).max() <= 0.51, (
        "off by no more than its rounding, and that of a tie"
    )

"""fp8 formats against the limits that ml_dtypes knows."""

from __future__ import annotations

import pytest

from clika_core.errors import NumericsError
from clika_core.schemes import FloatFormat
from clika_core.schemes.named import FP8_E4M3, FP8_E5M2

ml_dtypes = pytest.importorskip("ml_dtypes")


@pytest.mark.parametrize(
    ("format", "peer"),
    [
        (FP8_E4M3, "float8_e4m3fn"),
        (FP8_E5M2, "float8_e5m2"),
        (FloatFormat(3, 4, has_infinity=True), "float8_e3m4"),
    ],
    ids=["e4m3", "e5m2", "e3m4"],
)
def test_limits_are_those_of_ml_dtypes(format: FloatFormat, peer: str) -> None:
    limits = ml_dtypes.finfo(getattr(ml_dtypes, peer))
    assert format.quant_max == float(limits.max)
    assert format.quant_min == float(limits.min)
    assert 2.0**format.min_exponent == float(limits.smallest_normal)
    assert format.num_bits == limits.bits


@pytest.mark.parametrize(("exponent_bits", "mantissa_bits"), [(4, 4), (7, 0), (1, 6)])
def test_what_is_not_eight_bits_is_refused(exponent_bits: int, mantissa_bits: int) -> None:
    with pytest.raises(NumericsError, match=f"{exponent_bits} exponent and {mantissa_bits} mantissa bits"):
        FloatFormat(exponent_bits, mantissa_bits, has_infinity=False)


def test_fp8_has_no_other_width() -> None:
    assert FP8_E4M3.with_num_bits(8) is FP8_E4M3
    with pytest.raises(NumericsError, match="num_bits 4 for fp8 e4m3"):
        FP8_E4M3.with_num_bits(4)

"""fp8 against ml_dtypes: every bit pattern, and conversion."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.numerics import QuantParams, dequantize, fake_quantize, fp8, quantize
from clika_core.numerics.probes import probe_values
from clika_core.schemes import FloatFormat, PerTensor
from clika_core.schemes.named import FP8_E4M3, FP8_E5M2

ml_dtypes = pytest.importorskip("ml_dtypes")

FORMATS = pytest.mark.parametrize(
    ("format", "peer"),
    [
        (FP8_E4M3, "float8_e4m3fn"),
        (FP8_E5M2, "float8_e5m2"),
        (FloatFormat(4, 3, has_infinity=True), "float8_e4m3"),
        (FloatFormat(3, 4, has_infinity=True), "float8_e3m4"),
    ],
    ids=["e4m3", "e5m2", "e4m3 with infinity", "e3m4"],
)


@FORMATS
def test_every_bit_pattern_has_the_value_ml_dtypes_gives_it(format: FloatFormat, peer: str) -> None:
    codes = np.arange(256, dtype=np.uint8)
    theirs = codes.view(getattr(ml_dtypes, peer)).astype(np.float32)
    assert np.array_equal(fp8.decode(codes, format), theirs, equal_nan=True)
    finite = np.isfinite(theirs)
    assert np.array_equal(fp8.encode(theirs[finite], format), codes[finite])
    assert len(set(theirs[finite].tolist())) == format.num_codes


@FORMATS
@pytest.mark.parametrize("scale", [1.0, 0.1, 2.0**-100, 3.7e4])
def test_conversion_is_ml_dtypes_conversion_of_the_clipped_quotient(
    format: FloatFormat, peer: str, scale: float
) -> None:
    params = QuantParams(np.float32(scale), np.int32(0), format, PerTensor())
    values = probe_values(params, 300_000)
    with np.errstate(over="ignore"):
        quotient = np.clip(values / params.scale, format.quant_min, format.quant_max)
    theirs = quotient.astype(getattr(ml_dtypes, peer))
    codes = quantize(values, params)
    assert np.array_equal(codes, theirs.view(np.uint8))
    with np.errstate(over="ignore"):
        assert np.array_equal(dequantize(codes, params), theirs.astype(np.float32) * params.scale)
    assert np.array_equal(fake_quantize(values, params), dequantize(codes, params))

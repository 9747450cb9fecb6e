"""Integer formats: which codes exist."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.errors import NumericsError
from clika_core.schemes import CodeRange, IntegerFormat


@pytest.mark.parametrize(
    ("format", "low", "high", "dtype"),
    [
        (IntegerFormat(8, is_signed=True), -128, 127, "int8"),
        (IntegerFormat(8, is_signed=True, code_range=CodeRange.NARROW), -127, 127, "int8"),
        (IntegerFormat(8, is_signed=True, code_range=CodeRange.HALF), -64, 64, "int8"),
        (IntegerFormat(8, is_signed=False), 0, 255, "uint8"),
        (IntegerFormat(4, is_signed=True, code_range=CodeRange.NARROW), -7, 7, "int8"),
        (IntegerFormat(4, is_signed=False), 0, 15, "uint8"),
        (IntegerFormat(2, is_signed=True), -2, 1, "int8"),
        (IntegerFormat(2, is_signed=True, code_range=CodeRange.HALF), -1, 1, "int8"),
        (IntegerFormat(9, is_signed=False), 0, 511, "uint16"),
        (IntegerFormat(16, is_signed=True), -32768, 32767, "int16"),
        (IntegerFormat(16, is_signed=False), 0, 65535, "uint16"),
        (IntegerFormat(32, is_signed=True), -(2**31), 2**31 - 1, "int32"),
    ],
    ids=str,
)
def test_a_format_has_the_codes_of_the_specification(
    format: IntegerFormat, low: int, high: int, dtype: str
) -> None:
    assert (format.quant_min, format.quant_max, format.storage_dtype) == (low, high, dtype)


@pytest.mark.parametrize("code_range", CodeRange)
@pytest.mark.parametrize("num_bits", range(2, 17))
def test_every_code_fits_the_storage_and_0_is_a_code(num_bits: int, code_range: CodeRange) -> None:
    format = IntegerFormat(num_bits, is_signed=True, code_range=code_range)
    limits = np.iinfo(format.storage_dtype)
    assert limits.min <= format.quant_min <= 0 < format.quant_max <= limits.max
    assert format.num_codes == format.quant_max - format.quant_min + 1


@pytest.mark.parametrize("num_bits", [0, 1, 17, 31, 33])
def test_a_width_that_nothing_computes_is_refused(num_bits: int) -> None:
    with pytest.raises(NumericsError, match=f"num_bits {num_bits}"):
        IntegerFormat(num_bits, is_signed=True)


@pytest.mark.parametrize("code_range", [CodeRange.NARROW, CodeRange.HALF])
def test_unsigned_formats_have_only_the_full_range(code_range: CodeRange) -> None:
    with pytest.raises(NumericsError, match=f"uint8 {code_range}"):
        IntegerFormat(8, is_signed=False, code_range=code_range)


def test_another_width_keeps_sign_and_range() -> None:
    narrow = IntegerFormat(8, is_signed=True, code_range=CodeRange.NARROW)
    assert narrow.with_num_bits(4) == IntegerFormat(4, is_signed=True, code_range=CodeRange.NARROW)
    assert str(narrow.with_num_bits(4)) == "int4 narrow"

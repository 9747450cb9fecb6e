"""Schemes: which combinations mean something."""

from __future__ import annotations

import subprocess
import sys

import pytest

from clika_core.errors import NumericsError
from clika_core.schemes import CodeRange, PerChannel, PerGroup, PerTensor, QuantScheme, named


def test_a_symmetric_scheme_needs_a_sign() -> None:
    with pytest.raises(NumericsError, match="symmetric uint8"):
        QuantScheme(named.UINT8, PerTensor(), is_symmetric=True)


def test_fp8_has_no_zero_point() -> None:
    with pytest.raises(NumericsError, match="asymmetric fp8 e4m3"):
        QuantScheme(named.FP8_E4M3, PerTensor(), is_symmetric=False)


def test_the_user_changes_the_width_and_the_target_the_axis() -> None:
    scheme = named.WEIGHT_INT8.with_num_bits(4).with_granularity(PerGroup(1, 32))
    assert str(scheme) == "int4 narrow symmetric per group of 32 (axis 1)"
    assert named.WEIGHT_INT8.granularity == PerChannel(0)


def test_the_half_range_is_64_codes_either_side() -> None:
    half = named.WEIGHT_INT8.with_code_range(CodeRange.HALF)
    assert (half.format.quant_min, half.format.quant_max) == (-64, 64)


def test_fp8_has_no_code_ranges() -> None:
    scheme = QuantScheme(named.FP8_E5M2, PerTensor(), is_symmetric=True)
    assert scheme.with_code_range(CodeRange.HALF) == scheme


def test_schemes_load_no_numpy() -> None:
    program = "import clika_core.schemes.named, sys; print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"

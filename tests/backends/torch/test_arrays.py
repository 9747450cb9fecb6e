"""The array operations give the reference's codes and statistics, bit for bit, eager and compiled."""

from __future__ import annotations

import math
import shutil
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from clika_core.errors import NumericsError
from clika_core.numerics import (
    QuantParams,
    dequantize,
    params_from_range,
    quantize,
    quantize_bias,
    requantize,
)
from clika_core.numerics.bias import bias_params
from clika_core.numerics.gradients import straight_through_mask
from clika_core.numerics.probes import probe_values
from clika_core.schemes.formats import Format, IntegerFormat
from clika_core.schemes.granularity import Granularity, PerChannel, PerGroup, PerTensor
from clika_core.schemes.named import FP8_E4M3, INT8, INT8_NARROW, UINT8, UINT16
from clika_core.schemes.scheme import QuantScheme
from clika_torch.arrays import TorchArrays

ARRAYS = TorchArrays()
COMPILER = "inductor" if shutil.which("gcc") or shutil.which("c++") else "aot_eager"


def per_tensor(scale: float, zero_point: int, format: Format) -> QuantParams:
    return QuantParams(np.array(scale, np.float32), np.array(zero_point, np.int32), format, PerTensor())


FORMATS = {
    "uint8": per_tensor(0.0173, 117, UINT8),
    "int8": per_tensor(1 / 3, -5, INT8),
    "weights": per_tensor(0.1, 0, INT8_NARROW),
    "uint16": per_tensor(2.0**-9, 40_000, UINT16),
    "smallest scale": per_tensor(2.0**-100, 0, INT8),
}


def centred(codes: NDArray[np.integer], params: QuantParams) -> NDArray[np.float32]:
    """The reference's codes without their zero point, as float32."""
    return (codes.astype(np.int64) - int(params.zero_point)).astype(np.float32)


@pytest.mark.parametrize("name", FORMATS)
def test_codes_are_the_reference_s_on_ties_their_neighbours_and_every_exponent(name: str) -> None:
    params = FORMATS[name]
    values = probe_values(params, 1_000_000)
    found = ARRAYS.quantize(torch.from_numpy(values), params)
    assert found.dtype == torch.float32
    np.testing.assert_array_equal(found.numpy(), centred(quantize(values, params), params))


@pytest.mark.filterwarnings("ignore:`torch.jit.script:DeprecationWarning")  # inductor imports it itself
def test_compiled_codes_are_the_reference_s_too() -> None:
    params = FORMATS["uint8"]
    values = probe_values(params, 1_000_000)
    compiled = torch.compile(lambda x: ARRAYS.quantize(x, params), backend=COMPILER, fullgraph=True)
    found = compiled(torch.from_numpy(values))
    np.testing.assert_array_equal(found.numpy(), centred(quantize(values, params), params))


@pytest.mark.parametrize("granularity", [PerChannel(0), PerChannel(-1), PerGroup(1, 2)])
def test_each_channel_or_group_has_its_own_scale_and_zero_point(granularity: Granularity) -> None:
    values = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    shape = granularity.scale_shape(values.shape)
    rng = np.random.default_rng(1)
    scale, zero_point = rng.uniform(0.01, 0.1, shape).astype(np.float32), rng.integers(0, 255, shape)
    params = QuantParams(scale, zero_point.astype(np.int32), UINT8, granularity)
    codes = ARRAYS.quantize(torch.from_numpy(values), params)
    reference = quantize(values, params)
    np.testing.assert_array_equal(ARRAYS.dequantize(codes, params).numpy(), dequantize(reference, params))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_codes_are_computed_in_float32_whatever_the_dtype(dtype: torch.dtype) -> None:
    params = FORMATS["int8"]
    values = (torch.randn(1000) * 20).to(dtype)
    found = ARRAYS.quantize(values, params)
    assert torch.equal(found, ARRAYS.quantize(values.float(), params))


def test_nan_stays_nan_and_infinities_saturate() -> None:
    found = ARRAYS.quantize(torch.tensor([math.nan, math.inf, -math.inf]), FORMATS["weights"])
    assert math.isnan(found[0])
    assert found[1:].tolist() == [127.0, -127.0]


def test_the_gradient_is_one_inside_the_clip_and_zero_outside() -> None:
    params = FORMATS["uint8"]
    values = probe_values(params, 10_000)
    values = values[np.isfinite(values)]
    x = torch.from_numpy(values).requires_grad_()
    ARRAYS.dequantize(ARRAYS.quantize(x, params), params).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), straight_through_mask(values, params), rtol=1e-6)


def test_gradients_reach_activations_weights_and_biases_through_a_layer_on_codes() -> None:
    activation, weight, output = FORMATS["uint8"], FORMATS["weights"], FORMATS["int8"]
    x, w, b = (torch.randn(*shape, requires_grad=True) for shape in ((4, 6), (3, 6), (3,)))
    divisor = np.asarray(activation.scale * weight.scale, np.float32)
    sums = torch.nn.functional.linear(
        ARRAYS.quantize(x, activation),
        ARRAYS.quantize(w, weight),
        ARRAYS.cast(ARRAYS.round_to_codes(b, divisor, 2.0**31 - 1), "float32"),
    )
    codes = ARRAYS.rescale(sums, np.asarray(divisor / output.scale, np.float32), None, output)
    ARRAYS.clip(ARRAYS.dequantize(codes, output), -3.0, 3.0).sum().backward()  # type: ignore[no-untyped-call]
    assert all(t.grad is not None and float(t.grad.abs().sum()) > 0 for t in (x, w, b))


def test_an_operand_is_not_overwritten_where_no_gradient_is_asked() -> None:
    values = torch.randn(100)
    before = values.clone()
    one = per_tensor(1, 0, INT8)
    ARRAYS.quantize(values, one)
    ARRAYS.rescale(values, one.scale, None, one)
    ARRAYS.round_to_codes(values, one.scale, 100.0)
    assert torch.equal(values, before)


@pytest.mark.parametrize("axis", [None, 1, -1])
def test_sums_are_rescaled_as_the_reference_does(axis: int | None) -> None:
    rng = np.random.default_rng(0)
    sums = rng.integers(-(2**20), 2**20, (50, 40, 40)).astype(np.float32)
    multiplier = rng.uniform(1e-4, 1e-3, () if axis is None else 40).astype(np.float32)
    params = FORMATS["uint8"]
    found = ARRAYS.rescale(torch.from_numpy(sums), np.asarray(multiplier), axis, params)
    np.testing.assert_array_equal(
        found.numpy(), centred(requantize(sums, np.asarray(multiplier), params, axis), params)
    )


def test_biases_have_the_reference_s_codes_saturated_ones_too() -> None:
    rng = np.random.default_rng(0)
    weight = QuantParams(
        rng.uniform(1e-4, 1e-2, 64).astype(np.float32), np.zeros(64, np.int32), INT8, PerChannel(0)
    )
    bias = rng.normal(size=64).astype(np.float32) * 10 ** rng.uniform(-3, 8, 64).astype(np.float32)
    divisor = bias_params(FORMATS["uint8"], weight).scale
    found = ARRAYS.round_to_codes(torch.from_numpy(bias), divisor, 2.0**31 - 1)
    expected = np.maximum(quantize_bias(bias, FORMATS["uint8"], weight), -(2**31) + 1)
    np.testing.assert_array_equal(found.numpy(), expected.astype(np.float64))
    assert np.abs(found.numpy()).max() == 2**31 - 1


def test_parameters_of_another_shape_and_other_formats_are_refused() -> None:
    per_channel = QuantParams(np.ones(3, np.float32), np.zeros(3, np.int32), INT8, PerChannel(0))
    with pytest.raises(NumericsError, match="do not belong to this array"):
        ARRAYS.quantize(torch.zeros(2, 3), per_channel)
    eight_bit_float = per_tensor(1, 0, FP8_E4M3)
    with pytest.raises(NumericsError, match="codes are integers"):
        ARRAYS.quantize(torch.zeros(2), eight_bit_float)


def test_extremes_let_nan_through() -> None:
    assert ARRAYS.min_max(torch.tensor([[3.0, -2.0], [0.0, 7.0]])) == (-2.0, 7.0)
    assert all(map(math.isnan, ARRAYS.min_max(torch.tensor([1.0, math.nan]))))
    least, most = ARRAYS.min_max_per_sample(torch.tensor([[[3.0, -2.0]], [[0.0, math.nan]]]))
    assert least.dtype == most.dtype == np.dtype(np.float32)
    np.testing.assert_array_equal(least, [-2.0, math.nan])
    np.testing.assert_array_equal(most, [3.0, math.nan])
    np.testing.assert_array_equal(ARRAYS.min_max_per_sample(torch.tensor([1.0, 2.0]))[0], [1.0, 2.0])


@given(
    values=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=50),
    num_bins=st.integers(2, 4096),
)
def test_every_value_is_counted_in_the_bin_that_exact_arithmetic_gives(
    values: list[float], num_bins: int
) -> None:
    exponent = _smallest_exponent(values, num_bins)
    bins = [math.floor(Fraction(value) / Fraction(2) ** exponent) for value in values]
    counts = ARRAYS.histogram(torch.tensor(values), exponent, min(bins), num_bins)
    assert counts.dtype == np.int64
    expected = np.bincount([number - min(bins) for number in bins], minlength=num_bins)
    np.testing.assert_array_equal(counts, expected)


def _smallest_exponent(values: list[float], num_bins: int) -> int:
    """The k for which all values fall into `num_bins` bins 2**k wide that start at a multiple of 2**k."""
    exponent = -149
    while (
        math.floor(Fraction(max(values)) / Fraction(2) ** exponent)
        - math.floor(Fraction(min(values)) / Fraction(2) ** exponent)
        >= num_bins
    ):
        exponent += 1
    return exponent


def test_large_arrays_are_counted_and_summed_whole() -> None:
    values = np.random.default_rng(0).normal(size=(3, 100_003)).astype(np.float32)
    tensor = torch.from_numpy(values)
    counts = ARRAYS.histogram(tensor, -6, -400, 800)
    np.testing.assert_array_equal(
        counts, np.bincount((np.floor(values * 64) + 400).astype(int).ravel(), minlength=800)
    )
    wide = values.astype(np.float64)
    assert ARRAYS.sum_of_squares(tensor) == pytest.approx(float((wide**2).sum()), rel=1e-12)
    assert ARRAYS.sum_of_squares(tensor, tensor + 1) == pytest.approx(
        float(((wide - (values + 1).astype(np.float64)) ** 2).sum()), rel=1e-12
    )


def test_squares_do_not_overflow_or_vanish() -> None:
    assert ARRAYS.sum_of_squares(torch.tensor([1e30, 1e-30])) == pytest.approx(1e60, rel=1e-6)
    assert ARRAYS.sum_of_squares(torch.tensor([1e-30])) == pytest.approx(1e-60, rel=1e-6)


def test_arrays_are_copied_to_and_from_numpy() -> None:
    array = np.arange(3, dtype=np.float32)
    array.flags.writeable = False
    tensor = ARRAYS.from_numpy(array)
    tensor += 1
    assert array.tolist() == [0, 1, 2]
    back = ARRAYS.to_numpy(tensor.requires_grad_())
    back += 1
    assert tensor.tolist() == [1, 2, 3]
    assert ARRAYS.to_numpy(torch.ones(2, dtype=torch.bfloat16)).dtype == np.float32


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("name", FORMATS)
def test_a_gpu_gives_the_same_codes_and_counts(name: str) -> None:
    params = FORMATS[name]
    values = probe_values(params, 1_000_000)
    on_gpu = torch.from_numpy(values).cuda()
    found = ARRAYS.quantize(on_gpu, params)
    np.testing.assert_array_equal(ARRAYS.to_numpy(found), centred(quantize(values, params), params))
    np.testing.assert_array_equal(
        ARRAYS.histogram(found, 0, -70_000, 140_000), ARRAYS.histogram(found.cpu(), 0, -70_000, 140_000)
    )


def test_ranges_of_every_width_round_trip_within_half_a_step() -> None:
    for num_bits in (2, 4, 8, 16):
        format = IntegerFormat(num_bits, is_signed=False)
        params = params_from_range(-1.0, 2.0, QuantScheme(format, PerTensor(), is_symmetric=False))
        values = torch.linspace(-1, 2, 1001)
        back = ARRAYS.dequantize(ARRAYS.quantize(values, params), params)
        assert float((back - values).abs().max()) <= float(params.scale) * 0.5001

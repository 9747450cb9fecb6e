"""Numerics: codes equal the reference's, one by one, on every tie, neighbour of a tie, exponent and zero."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core import numerics
from clika_core.backend.interface import ArrayOps
from clika_core.numerics import QuantParams, params_from_range
from clika_core.numerics.probes import probe_values
from clika_core.numerics.quantize import as_float32, centred_codes
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.named import (
    ACTIVATION_INT8,
    ACTIVATION_INT8_SYMMETRIC,
    ACTIVATION_UINT8,
    WEIGHT_INT8,
)
from clika_core.schemes.scheme import QuantScheme
from clika_core.testing.conformance.harness import BackendHarness
from clika_core.testing.conformance.kit import Kit

PROBES = 20_000
SCHEMES: dict[str, QuantScheme] = {
    "uint8": ACTIVATION_UINT8,
    "int8": ACTIVATION_INT8,
    "symmetric": ACTIVATION_INT8_SYMMETRIC,
    "int4": ACTIVATION_INT8_SYMMETRIC.with_num_bits(4),
    "uint16": ACTIVATION_UINT8.with_num_bits(16),
}
RANGES = [(-1.0, 1.7), (-0.37, 0.0), (0.0, 6.0), (-3e-20, 5e-20), (-2e9, 1e9)]


class NumericsChecks(Kit):
    """`quantize`, `dequantize`, `rescale`, `round_to_codes` against `clika_core.numerics`."""

    @pytest.mark.parametrize("scheme", SCHEMES)
    @pytest.mark.parametrize("limits", RANGES, ids=str)
    def test_codes_equal_the_reference(
        self, arrays: ArrayOps, scheme: str, limits: tuple[float, float]
    ) -> None:
        """Half to even, IEEE division, saturation; centred codes in float32."""
        params = params_from_range(*limits, SCHEMES[scheme])
        values = probe_values(params, PROBES)
        codes = arrays.quantize(arrays.from_numpy(values), params)
        _assert_codes(arrays.to_numpy(codes), centred_codes(values, params))

    def test_compiled_codes_equal_the_reference(self, harness: BackendHarness, arrays: ArrayOps) -> None:
        """The framework's compiler changes no code."""
        params = params_from_range(-1.0, 1.7, ACTIVATION_UINT8)
        values = probe_values(params, PROBES)
        quantize = harness.compiled(lambda x: arrays.quantize(x, params))
        _assert_codes(arrays.to_numpy(quantize(arrays.from_numpy(values))), centred_codes(values, params))

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_codes_per_channel_equal_the_reference(self, arrays: ArrayOps, axis: int) -> None:
        """A scale per channel, along any axis; each channel holds its own ties."""
        scale = np.array([0.0131, 0.37, 2.1e-3], np.float32)
        zeros = np.zeros(3, np.int32)
        params = QuantParams(scale, zeros, WEIGHT_INT8.format, PerChannel(axis))
        rows = [
            probe_values(QuantParams(s, np.zeros((), np.int32), WEIGHT_INT8.format, PerTensor()), 2)
            for s in scale
        ]
        values = np.moveaxis(np.stack(rows).reshape(3, 2, -1), 0, axis)
        codes = arrays.quantize(arrays.from_numpy(values), params)
        _assert_codes(arrays.to_numpy(codes), centred_codes(values, params))
        found = arrays.to_numpy(arrays.dequantize(codes, params))
        np.testing.assert_array_equal(found, numerics.fake_quantize(values, params))

    @pytest.mark.parametrize("scheme", SCHEMES)
    def test_real_values_of_codes_equal_the_reference(self, arrays: ArrayOps, scheme: str) -> None:
        """One float32 product."""
        params = params_from_range(-0.9, 2.3, SCHEMES[scheme])
        codes = np.unique(centred_codes(probe_values(params, 1), params))
        found = arrays.to_numpy(arrays.dequantize(arrays.from_numpy(codes), params))
        np.testing.assert_array_equal(found, codes * params.scale)

    def test_not_a_number_stays(self, arrays: ArrayOps) -> None:
        """NaN has no code, and must not turn into one."""
        params = params_from_range(-1.0, 1.0, ACTIVATION_UINT8)
        codes = arrays.quantize(arrays.from_numpy(np.array([np.nan, 0.5], np.float32)), params)
        found = arrays.to_numpy(arrays.dequantize(codes, params))
        assert np.isnan(found[0])
        assert not np.isnan(found[1])

    @pytest.mark.parametrize("axis", [None, 1, -1])
    def test_sums_become_codes_as_in_the_reference(self, arrays: ArrayOps, axis: int | None) -> None:
        """The product with the multiplier is float32; ties go to even."""
        random = np.random.default_rng(0)
        output = params_from_range(-3.0, 4.0, ACTIVATION_UINT8)
        sums = random.integers(-(2**20), 2**20, (40, 7, 7)).astype(np.float32)
        factors = np.asarray(random.uniform(1e-5, 1e-3, () if axis is None else (7,)), np.float32)
        found = arrays.rescale(arrays.from_numpy(sums), factors, axis, output)
        codes = numerics.requantize(sums, factors, output, axis).astype(np.float32)
        _assert_codes(arrays.to_numpy(found), codes - np.float32(output.zero_point))

    def test_ties_of_sums_go_to_even(self, arrays: ArrayOps) -> None:
        """A multiplier of one half puts every odd sum on a tie."""
        output = params_from_range(-8.0, 8.0, ACTIVATION_INT8_SYMMETRIC)
        sums = np.arange(-255, 256, dtype=np.float32)
        found = arrays.rescale(arrays.from_numpy(sums), np.asarray(0.5, np.float32), None, output)
        _assert_codes(arrays.to_numpy(found), np.clip(np.rint(sums / 2), -128, 127))

    @pytest.mark.parametrize("how", ["eager", "compiled"])
    def test_products_and_sums_are_rounded_once(
        self, harness: BackendHarness, arrays: ArrayOps, how: str
    ) -> None:
        """Sums that cancel keep the bits that a rounded product loses; numbers and arrays, broadcast."""
        random = np.random.default_rng(1)
        codes = random.integers(0, 256, (64, 50)).astype(np.float32)
        factor = np.float32(random.uniform(0.01, 1))
        addend = (np.float32(3) - codes[0] * factor).astype(np.float32)

        native = arrays.from_numpy(addend)

        def added(x: Any) -> Any:
            return arrays.multiply_add(x, factor, native), arrays.multiply_add(x, factor, np.float32(-0.3))

        function = harness.compiled(added) if how == "compiled" else added
        outer, inner = map(arrays.to_numpy, function(arrays.from_numpy(codes)))
        np.testing.assert_array_equal(outer, numerics.multiply_add(codes, factor, addend))
        np.testing.assert_array_equal(inner, numerics.multiply_add(codes, factor, np.float32(-0.3)))
        assert np.any(outer != codes * factor + addend)

    @pytest.mark.parametrize("how", ["eager", "compiled"])
    def test_products_are_rounded_before_sums(
        self, harness: BackendHarness, arrays: ArrayOps, how: str
    ) -> None:
        """A product and a sum, each rounded: norms in floating point are so in onnxruntime."""
        random = np.random.default_rng(2)
        values, factor, addend = (
            random.standard_normal(shape).astype(np.float32) for shape in ((8, 40, 5), (40, 1), (40, 1))
        )
        native = [arrays.from_numpy(array) for array in (factor, addend)]

        def added(x: Any) -> Any:
            return arrays.multiply_then_add(x, *native)

        function = harness.compiled(added) if how == "compiled" else added
        found = arrays.to_numpy(function(arrays.from_numpy(values)))
        np.testing.assert_array_equal(found, values * factor + addend)
        assert np.any(found != numerics.multiply_add(values, factor, addend))

    @pytest.mark.parametrize("how", ["eager", "compiled"])
    def test_inverse_roots_equal_the_reference(
        self, harness: BackendHarness, arrays: ArrayOps, how: str
    ) -> None:
        """Root and division are IEEE, of numbers from small to large."""
        values = np.exp(np.random.default_rng(3).uniform(-20, 20, 4_000)).astype(np.float32)
        function = harness.compiled(arrays.inverse_root) if how == "compiled" else arrays.inverse_root
        found = arrays.to_numpy(function(arrays.from_numpy(values)))
        np.testing.assert_array_equal(found, np.float32(1) / np.sqrt(values))

    def test_biases_become_codes_as_in_the_reference(self, arrays: ArrayOps) -> None:
        """Divided in IEEE arithmetic, half to even, saturating at int32."""
        inputs = params_from_range(-1.0, 1.0, ACTIVATION_UINT8)
        weight = QuantParams(
            np.array([1e-9, 0.1, 0.02], np.float32),
            np.zeros(3, np.int32),
            WEIGHT_INT8.format,
            WEIGHT_INT8.granularity,
        )
        bias = np.array([5.0, -0.25, 0.7777], np.float32)
        divisor = numerics.bias_params(inputs, weight).scale
        found = arrays.to_numpy(arrays.round_to_codes(arrays.from_numpy(bias), divisor, 2.0**31 - 1))
        np.testing.assert_array_equal(found, numerics.quantize_bias(bias, inputs, weight))

    def test_computing_starts_in_float32(self, arrays: ArrayOps) -> None:
        """Wider values are rounded to float32 before the division."""
        params = params_from_range(-1.0, 1.7, ACTIVATION_UINT8)
        values = np.linspace(-1, 2, 999)
        found = arrays.to_numpy(arrays.quantize(arrays.from_numpy(values), params))
        _assert_codes(found, centred_codes(as_float32(values), params))


def _assert_codes(found: NDArray[Any], expected: NDArray[Any]) -> None:
    assert found.dtype == np.float32
    different = np.flatnonzero(found.ravel() != expected.ravel())
    assert not different.size, f"{different.size} of {found.size} codes differ, the first at {different[0]}"

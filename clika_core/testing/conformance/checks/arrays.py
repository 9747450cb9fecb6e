"""Reductions and conversions of native arrays against NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.backend.interface import ArrayOps
from clika_core.numerics import QuantParams
from clika_core.observers import NumpyArrays
from clika_core.schemes import PerChannel, PerTensor
from clika_core.schemes.named import ACTIVATION_UINT8
from clika_core.testing.conformance.kit import Kit

REFERENCE = NumpyArrays()
VALUES = np.random.default_rng(3).standard_normal((4, 3, 50)).astype(np.float32)


class ArrayChecks(Kit):
    """What observers and measurements ask of arrays."""

    def test_arrays_come_and_go_unchanged(self, arrays: ArrayOps) -> None:
        """Values, shapes and dtypes survive; what comes back is a copy."""
        for array in (
            VALUES,
            VALUES[0, 0],
            np.float32(2.5),
            VALUES.astype(np.float64),
            np.arange(6).reshape(2, 3),
        ):
            native = arrays.from_numpy(np.asarray(array))
            back = np.array(arrays.to_numpy(native))
            np.testing.assert_array_equal(back, array)
            assert back.shape == np.shape(array)
        given = VALUES.copy()
        native = arrays.from_numpy(given)
        given[...] = 0
        np.testing.assert_array_equal(arrays.to_numpy(native), VALUES)

    def test_limits_are_exact(self, arrays: ArrayOps) -> None:
        """min_max, whole and per sample."""
        native = arrays.from_numpy(VALUES)
        assert arrays.min_max(native) == REFERENCE.min_max(VALUES)
        for found, expected in zip(
            arrays.min_max_per_sample(native), REFERENCE.min_max_per_sample(VALUES), strict=True
        ):
            np.testing.assert_array_equal(found, expected)

    def test_limits_tell_of_what_is_not_a_number(self, arrays: ArrayOps) -> None:
        """One NaN makes both limits NaN; infinities are limits."""
        damaged = VALUES.copy()
        damaged[1, 2, 3] = np.nan
        assert np.isnan(arrays.min_max(arrays.from_numpy(damaged))).all()
        damaged[1, 2, 3] = -np.inf
        assert arrays.min_max(arrays.from_numpy(damaged))[0] == -np.inf

    @pytest.mark.parametrize("exponent", [-12, -5, 0, 3])
    def test_histograms_count_every_value_in_its_bin(self, arrays: ArrayOps, exponent: int) -> None:
        """floor, also below zero and on the edges of bins."""
        values = np.concatenate([VALUES.ravel(), np.arange(-4, 4, dtype=np.float32)])
        first = int(np.floor(values.min() / 2.0**exponent))
        count = int(np.floor(values.max() / 2.0**exponent)) - first + 1
        found = arrays.histogram(arrays.from_numpy(values), exponent, first, count)
        np.testing.assert_array_equal(found, REFERENCE.histogram(values, exponent, first, count))
        assert found.dtype == np.int64

    def test_squares_are_summed_in_float64(self, arrays: ArrayOps) -> None:
        """Small differences of large values do not get lost."""
        large = np.full(100_000, 1000.0, np.float32)
        large[::7] += np.float32(2**-12)
        other = np.full_like(large, 1000.0)
        exact = float(np.sum((large.astype(np.float64) - other) ** 2))
        assert arrays.sum_of_squares(arrays.from_numpy(large), arrays.from_numpy(other)) == pytest.approx(
            exact, 1e-12
        )
        squares = float(np.sum(large.astype(np.float64) ** 2))
        assert arrays.sum_of_squares(arrays.from_numpy(large)) == pytest.approx(squares, rel=1e-12)

    @pytest.mark.parametrize("granularity", [PerTensor(), PerChannel(1)], ids=str)
    def test_errors_are_those_of_what_codes_stand_for(
        self, arrays: ArrayOps, granularity: PerTensor | PerChannel
    ) -> None:
        """Sums of (code · scale - real)² and of real², in float64, over more than a cacheful."""
        scale = np.asarray(0.02 if granularity == PerTensor() else [0.01, 0.02, 0.03], np.float32)
        zero = np.full(scale.shape, 7, np.int32)
        params = QuantParams(scale, zero, ACTIVATION_UINT8.format, granularity)
        reals = np.random.default_rng(4).standard_normal((5, 3, 9001)).astype(np.float32)
        native = arrays.from_numpy(reals)
        codes = arrays.quantize(native, params)
        found = arrays.squared_errors(codes, params, native)
        meant = np.asarray(arrays.to_numpy(codes), np.float32) * scale.reshape(-1, 1)
        exact = reals.astype(np.float64)
        assert found[0] == pytest.approx(float(((meant - exact) ** 2).sum()), rel=1e-6)
        assert found[1] == pytest.approx(float((exact**2).sum()), rel=1e-12)

    def test_parts_put_together_are_the_whole(self, arrays: ArrayOps) -> None:
        """Along axis 0, in order; what belongs together stays together."""
        left = np.random.default_rng(4).standard_normal((7, 3, 300, 301)).astype(np.float32)
        parts = list(arrays.parts([arrays.from_numpy(left), arrays.from_numpy(-left[:, :1])]))
        for position, expected in enumerate((left, -left[:, :1])):
            found = [np.asarray(arrays.to_numpy(part[position])) for part in parts]
            np.testing.assert_array_equal(np.concatenate(found), expected)
        assert all(len(part[0]) == len(part[1]) for part in parts)

    def test_clips_and_casts(self, arrays: ArrayOps) -> None:
        """Elementwise, in the dtype asked for."""
        native = arrays.from_numpy(VALUES)
        np.testing.assert_array_equal(
            arrays.to_numpy(arrays.clip(native, -0.5, 0.25)), VALUES.clip(-0.5, 0.25)
        )
        wide = np.asarray(arrays.to_numpy(arrays.cast(native, "float64")))
        assert wide.dtype == np.float64
        np.testing.assert_array_equal(wide, VALUES)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_products_of_integers_are_exact(self, arrays: ArrayOps, dtype: str) -> None:
        """Matrices as they are and transposed, square ones too; leading axes broadcast."""
        random = np.random.default_rng(5)
        bound = int((2**24 / 8) ** 0.5) if dtype == "float32" else 2**22
        left, right = (random.integers(-bound, bound, shape) for shape in ((2, 3, 8, 8), (1, 3, 8, 8)))
        native = [arrays.cast(arrays.from_numpy(x.astype(np.float32)), dtype) for x in (left, right)]
        np.testing.assert_array_equal(arrays.to_numpy(arrays.matmul(*native)), left @ right)
        turned = arrays.to_numpy(arrays.matmul(*native, transposed=True))
        np.testing.assert_array_equal(turned, left @ right.swapaxes(-1, -2))

    @pytest.mark.parametrize("kind", ["none", "added", "chosen"])
    def test_a_softmax_takes_masks_of_both_kinds(self, arrays: ArrayOps, kind: str) -> None:
        """Along the last axis; numbers are added, booleans choose."""
        allowed = np.tri(3, 50, 20, dtype=bool)
        added = np.where(allowed, np.float32(0.5), -np.inf).astype(np.float32)
        mask = {"none": None, "added": added, "chosen": allowed}[kind]
        scores = VALUES.astype(np.float64) * 4 + (0 if mask is None else added)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        found = arrays.softmax(
            arrays.from_numpy(VALUES * 4), None if mask is None else arrays.from_numpy(mask)
        )
        expected = powers / powers.sum(axis=-1, keepdims=True)
        np.testing.assert_allclose(arrays.to_numpy(found), expected, rtol=1e-5, atol=1e-7)

    def test_a_sigmoid_is_between_nothing_and_one(self, arrays: ArrayOps) -> None:
        """Far from zero as well."""
        wide = np.concatenate([VALUES.ravel() * 8, np.asarray([-90, -20, 0, 20, 90])]).astype(np.float32)
        found = arrays.to_numpy(arrays.sigmoid(arrays.from_numpy(wide)))
        expected = 1 / (1 + np.exp(-wide.astype(np.float64)))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-35)

    def test_what_is_repeated_stands_in_a_row(self, arrays: ArrayOps) -> None:
        """Every entry of an axis counted from the end."""
        found = arrays.to_numpy(arrays.repeat(arrays.from_numpy(VALUES), 3, -2))
        np.testing.assert_array_equal(found, np.repeat(VALUES, 3, axis=-2))

    def test_entries_are_taken_in_the_order_of_their_places(self, arrays: ArrayOps) -> None:
        """Along an axis, some of them twice."""
        places = np.asarray([2, 0, 2, 1])
        found = arrays.to_numpy(arrays.take(arrays.from_numpy(VALUES), places, 1))
        np.testing.assert_array_equal(found, np.take(VALUES, places, axis=1))

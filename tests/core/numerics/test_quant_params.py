"""QuantParams: the invariants, immutability, and the form in files."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from clika_core.errors import NumericsError
from clika_core.numerics import MIN_SCALE, QuantParams
from clika_core.schemes import Granularity, PerChannel, PerGroup, PerTensor
from clika_core.schemes.named import FP8_E4M3, INT8, INT32, UINT8

PER_TENSOR = QuantParams(np.float32(0.1), np.int32(7), UINT8, PerTensor())
PER_CHANNEL = QuantParams(np.float32([0.1, 1 / 3]), np.int32([0, -5]), INT8, PerChannel(0))
PER_GROUP = QuantParams(np.full((2, 3), 0.25), np.int32(0), INT8, PerGroup(1, 32))
FP8 = QuantParams(np.float32(2.0**-100), np.int32(0), FP8_E4M3, PerTensor())


def test_scale_of_a_tensor_is_a_scalar_without_axes() -> None:
    assert PER_TENSOR.scale.shape == () == PER_TENSOR.zero_point.shape
    assert (PER_TENSOR.scale.dtype, PER_TENSOR.zero_point.dtype) == (np.float32, np.int32)


def test_the_arrays_are_copies_that_cannot_be_written() -> None:
    scale = np.float32([1, 2])
    params = QuantParams(scale, np.int32([0, 0]), INT8, PerChannel(0))
    scale[0] = 5
    assert params.scale[0] == 1
    with pytest.raises(ValueError, match="read-only"):
        params.scale[0] = 5
    with pytest.raises(ValueError, match="read-only"):
        params.zero_point[0] = 5


@pytest.mark.parametrize("scale", [0.0, -1.0, np.nan, np.inf, MIN_SCALE / 2])
def test_a_scale_that_no_division_survives_is_refused(scale: float) -> None:
    with pytest.raises(NumericsError, match="2\\*\\*-100"):
        QuantParams(np.float32(scale), np.int32(0), INT8, PerTensor())


@pytest.mark.parametrize(
    ("zero_point", "params"), [(256, PER_TENSOR), (-1, PER_TENSOR), (128, PER_CHANNEL), (1, FP8)]
)
def test_a_zero_point_that_is_no_code_is_refused(zero_point: int, params: QuantParams) -> None:
    with pytest.raises(NumericsError, match=f"{zero_point} to"):
        QuantParams(params.scale, np.full(params.scale.shape, zero_point), params.format, params.granularity)


def test_a_bias_has_no_zero_point() -> None:
    with pytest.raises(NumericsError, match="int32"):
        QuantParams(np.float32(1), np.int32(1), INT32, PerTensor())


def test_a_fractional_zero_point_is_refused() -> None:
    with pytest.raises(NumericsError, match="float64"):
        QuantParams(np.float32(1), np.array(0.5), INT8, PerTensor())


@pytest.mark.parametrize(
    ("shape", "granularity"),
    [((1,), PerTensor()), ((), PerChannel(0)), ((2, 2), PerChannel(0)), ((), PerGroup(0, 8))],
)
def test_a_scale_without_the_shape_of_its_granularity_is_refused(
    shape: tuple[int, ...], granularity: Granularity
) -> None:
    with pytest.raises(NumericsError, match="shape of its granularity"):
        QuantParams(np.ones(shape), np.int32(0), INT8, granularity)


def test_zero_points_of_another_shape_are_refused() -> None:
    with pytest.raises(NumericsError, match=r"shape \[3\]"):
        QuantParams(np.ones(2), np.zeros(3, np.int32), INT8, PerChannel(0))


def test_equality_and_hash_compare_values() -> None:
    same = QuantParams(np.float32(0.1), np.int32(7), UINT8, PerTensor())
    assert same == PER_TENSOR
    assert len({same, PER_TENSOR, PER_CHANNEL}) == 2
    assert QuantParams(np.float32(0.1), np.int32(8), UINT8, PerTensor()) != PER_TENSOR
    assert PER_TENSOR != "uint8"


@pytest.mark.parametrize(
    "params", [PER_TENSOR, PER_CHANNEL, PER_GROUP, FP8], ids=lambda p: str(p.granularity)
)
def test_what_was_written_is_read_back_exactly(params: QuantParams) -> None:
    assert QuantParams.from_json(json.loads(json.dumps(params.to_json()))) == params


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("scale", "0.1", "holds no numbers"),
        ("scale", [[1.0], [1.0, 2.0]], "holds no numbers"),
        ("scale", True, "holds no numbers"),
        ("scale", 0, "2\\*\\*-100"),
        ("zero_point", 0.5, "float64"),
        ("zero_point", 2**40, "zero_point does not fit"),
        ("format", None, "format"),
        ("more", 1, "more"),
    ],
)
def test_a_broken_file_is_refused_and_the_member_named(name: str, value: object, complaint: str) -> None:
    data: dict[str, Any] = {**PER_TENSOR.to_json(), name: value}
    with pytest.raises(NumericsError, match=complaint):
        QuantParams.from_json(data)

"""Gradients: by hand, and against PyTorch's own operator where it is installed."""

from __future__ import annotations

import numpy as np
import pytest

from clika_core.numerics import QuantParams, fake_quantize
from clika_core.numerics.gradients import scale_gradient, straight_through_mask
from clika_core.schemes import PerChannel, PerGroup, PerTensor
from clika_core.schemes.named import FP8_E4M3, INT8, UINT8

PARAMS = QuantParams(np.float32(0.5), np.int32(10), UINT8, PerTensor())


def test_the_mask_is_decided_after_rounding_and_before_clipping() -> None:
    x = np.float32([-5.2, -5.25, -5.26, 0.0, 122.5, 122.7, 122.76, np.inf, -np.inf, np.nan])
    expected = [True, True, False, True, True, True, False, False, False, False]
    assert straight_through_mask(x, PARAMS).tolist() == expected


def test_the_scale_s_gradient_is_the_formula_of_lsq() -> None:
    x = np.float32([0.6, -100.0, 1000.0])  # inside; below; above
    upstream = np.float32([1.0, 10.0, 100.0])
    inside, below, above = round(1.2) - 1.2, 0 - 10, 255 - 10
    expected = (inside * 1 + below * 10 + above * 100) / np.sqrt(3 * (255 - 10))
    assert scale_gradient(x, upstream, PARAMS) == pytest.approx(expected, rel=1e-6)


def test_without_its_factor_it_is_the_derivative_of_fake_quantize() -> None:
    x = [3.3, -100.0, 1000.0]
    step = 1e-3
    wider = QuantParams(PARAMS.scale + np.float32(step), PARAMS.zero_point, UINT8, PerTensor())
    for value in x:
        one = np.float32([value])
        slope = (fake_quantize(one, wider) - fake_quantize(one, PARAMS))[0] / step
        straight = slope - one[0] / PARAMS.scale * straight_through_mask(one, PARAMS)[0]
        gradient = scale_gradient(one, np.ones(1), PARAMS) * np.sqrt(245)
        assert gradient == pytest.approx(straight, rel=1e-3)


def test_each_scale_sums_over_its_own_elements() -> None:
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal((2, 4, 70)), rng.standard_normal((4, 70))
    scale = np.float32([0.01, 0.02, 0.01, 0.5])
    whole = scale_gradient(x[0], upstream, QuantParams(scale, np.int32(0), INT8, PerChannel(0)))
    for channel in range(4):
        alone = QuantParams(scale[channel], np.int32(0), INT8, PerTensor())
        assert whole[channel] == pytest.approx(scale_gradient(x[0, channel], upstream[channel], alone))
    blocked = QuantParams(np.repeat(scale[:, None], 3, 1), np.int32(0), INT8, PerGroup(1, 32))
    tail = QuantParams(scale[1], np.int32(0), INT8, PerTensor())
    last = scale_gradient(x[0], upstream, blocked)[1, 2]
    assert last == pytest.approx(scale_gradient(x[0, 1, 64:], upstream[1, 64:], tail))


def test_a_zero_point_at_the_top_gives_a_finite_gradient() -> None:
    top = QuantParams(np.float32(0.5), np.int32(255), UINT8, PerTensor())
    assert np.isfinite(scale_gradient(np.float32([-1.3, -2.2]), np.ones(2), top))


def test_fp8_s_gradient_is_the_distance_to_the_grid_inside_and_the_limit_outside() -> None:
    params = QuantParams(np.float32(1), np.int32(0), FP8_E4M3, PerTensor())
    x = np.float32([1.03, 463.0, 465.0])
    assert straight_through_mask(x, params).tolist() == [True, True, False]
    expected = (1.0 - 1.03) + (448 - 463) + 448
    assert scale_gradient(x, np.ones(3), params) == pytest.approx(expected / np.sqrt(3 * 448), rel=1e-5)


def test_the_mask_and_slope_are_those_of_pytorch_s_learnable_fake_quantize() -> None:
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = torch.tensor(rng.standard_normal(10_000) * 60, dtype=torch.float32, requires_grad=True)
    upstream = rng.standard_normal(10_000).astype(np.float32)
    scale = torch.tensor([0.5], requires_grad=True)
    zero_point = torch.tensor([10.0], requires_grad=True)
    factor = 1 / np.sqrt(x.numel() * 245)
    y = torch._fake_quantize_learnable_per_tensor_affine(x, scale, zero_point, 0, 255, factor)
    y.backward(torch.tensor(upstream))
    values = x.detach().numpy()
    assert np.array_equal(x.grad.numpy() != 0, straight_through_mask(values, PARAMS))
    assert scale_gradient(values, upstream, PARAMS) == pytest.approx(scale.grad.item(), rel=1e-3)

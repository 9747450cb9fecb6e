"""How far a step moves a learned scale."""

from __future__ import annotations

import numpy as np

from clika_core.backend.scale_steps import PACE, scale_steps

SCALES = {"small": np.asarray(0.01, np.float32), "channels": np.asarray([1.0, 3.0], np.float32)}


def test_where_gradients_are_normalised_a_step_is_relative_to_the_scale() -> None:
    found = scale_steps(SCALES, is_adaptive=True)
    np.testing.assert_allclose([found["small"], found["channels"]], [0.01 * PACE, 2 * PACE], rtol=1e-6)


def test_plain_descent_moves_scales_as_weights() -> None:
    assert scale_steps(SCALES, is_adaptive=False) == {"small": 1.0, "channels": 1.0}

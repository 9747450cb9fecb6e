"""Training: gradients go straight through the rounding, and a native model learns."""

from __future__ import annotations

import numpy as np

from clika_core.backend.interface import ArrayOps
from clika_core.numerics import params_from_range
from clika_core.numerics.gradients import straight_through_mask
from clika_core.numerics.probes import probe_values
from clika_core.schemes.named import ACTIVATION_UINT8
from clika_core.testing.conformance.case import Case
from clika_core.testing.conformance.harness import BackendHarness
from clika_core.testing.conformance.kit import Kit


class TrainingChecks(Kit):
    """What fine-tuning needs."""

    def test_gradients_are_straight_through(self, harness: BackendHarness, arrays: ArrayOps) -> None:
        """1 where `rint(x / scale) + zero_point` is a code before clipping, 0 elsewhere."""
        params = params_from_range(-1.0, 1.7, ACTIVATION_UINT8)
        values = probe_values(params, 5_000)
        values = values[np.abs(values) < 1e4]
        found = harness.gradient(
            lambda x: arrays.dequantize(arrays.quantize(x, params), params), arrays.from_numpy(values)
        )
        np.testing.assert_allclose(
            arrays.to_numpy(found), straight_through_mask(values, params).astype(np.float32), rtol=1e-5
        )

    def test_gradients_reach_sums_and_biases(self, harness: BackendHarness, arrays: ArrayOps) -> None:
        """The multiplier where nothing is clipped; one over the divisor for a bias."""
        params = params_from_range(-1.0, 1.0, ACTIVATION_UINT8)
        sums, factor = np.linspace(-40, 40, 81, dtype=np.float32), np.asarray(0.25, np.float32)
        found = harness.gradient(lambda x: arrays.rescale(x, factor, None, params), arrays.from_numpy(sums))
        np.testing.assert_allclose(arrays.to_numpy(found), np.full(81, 0.25), rtol=1e-6)
        found = harness.gradient(
            lambda x: arrays.round_to_codes(x, factor, 2.0**31 - 1), arrays.from_numpy(sums)
        )
        np.testing.assert_allclose(arrays.to_numpy(found), np.full(81, 4.0), rtol=1e-6)

    def test_the_native_model_learns(self, case: Case) -> None:
        """The loss falls; the user's model stays as it was."""
        harness, before = case.harness, case.harness.state(case.subject.model)
        native = case.quantized.model.native(case.quantized.simulation.run)
        losses = harness.train(native, case.inputs(8), 8)
        assert len(losses) == 8
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]
        for name, array in harness.state(case.subject.model).items():
            np.testing.assert_array_equal(array, before[name], name)

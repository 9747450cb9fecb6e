"""Training: gradients go straight through the rounding, and a native model learns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from clika_core.backend.interface import ArrayOps
from clika_core.backend.trainable import NativeState, Trainable
from clika_core.errors import StateError
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
        """The multiplier where nothing is clipped, 0 where it is; one over the divisor for a bias."""
        params = params_from_range(-1.0, 1.0, ACTIVATION_UINT8)
        sums, factor = np.linspace(-1000, 1000, 81, dtype=np.float32), np.asarray(0.25, np.float32)
        codes = np.rint(sums * factor) + params.zero_point
        is_inside = (codes >= params.format.quant_min) & (codes <= params.format.quant_max)
        assert 0 < is_inside.sum() < 81
        found = harness.gradient(lambda x: arrays.rescale(x, factor, None, params), arrays.from_numpy(sums))
        np.testing.assert_allclose(arrays.to_numpy(found), np.where(is_inside, 0.25, 0.0), rtol=1e-6)
        found = harness.gradient(
            lambda x: arrays.round_to_codes(x, factor, 2.0**31 - 1), arrays.from_numpy(sums)
        )
        np.testing.assert_allclose(arrays.to_numpy(found), np.full(81, 4.0), rtol=1e-6)

    def test_gradients_stop_at_a_clip(self, harness: BackendHarness, arrays: ArrayOps) -> None:
        """1 between the limits, 0 beyond: a fused activation cuts codes off."""
        codes = np.array([-9, -4, 0, 3, 8], np.float32)
        found = harness.gradient(lambda x: arrays.clip(x, -5.0, 4.0), arrays.from_numpy(codes))
        np.testing.assert_array_equal(arrays.to_numpy(found), [0, 1, 1, 1, 0])

    def test_gradients_reach_what_is_multiplied_and_added(
        self, harness: BackendHarness, arrays: ArrayOps
    ) -> None:
        """The factor for what it multiplies, and the other way round; 1 for the addend; summed where broadcast."""
        codes, row = np.arange(12, dtype=np.float32).reshape(3, 4), np.arange(4, dtype=np.float32)
        number = np.float32(0.25)
        native, wide = arrays.from_numpy(codes), arrays.from_numpy(np.full(4, number))
        for function, given, expected in (
            (lambda x: arrays.multiply_add(x, number, np.float32(1)), codes, np.full((3, 4), 0.25)),
            (lambda x: arrays.multiply_add(native, x, np.float32(1)), number, codes.sum()),
            (lambda x: arrays.multiply_add(native, number, x), row, np.full(4, 3.0)),
            (lambda x: arrays.multiply_then_add(x, wide, wide), codes, np.full((3, 4), 0.25)),
            (lambda x: arrays.multiply_then_add(native, x, wide), row, codes.sum(0)),
            (lambda x: arrays.multiply_then_add(native, wide, x), row, np.full(4, 3.0)),
        ):
            found = harness.gradient(function, arrays.from_numpy(np.asarray(given)))
            np.testing.assert_allclose(arrays.to_numpy(found), expected, rtol=1e-6)

    def test_the_native_model_learns(self, case: Case) -> None:
        """The loss falls; the user's model stays as it was."""
        harness, before = case.harness, case.harness.state(case.subject.model)
        native = case.quantized.model.native(case.quantized.program)
        losses = harness.train(native, case.inputs(8), 8)
        assert len(losses) == 8
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]
        for name, array in harness.state(case.subject.model).items():
            np.testing.assert_array_equal(array, before[name], name)

    @pytest.mark.parametrize("name", ["classifier", "gated", "shared", "transformer"])
    def test_fine_tuning_brings_the_quantized_model_closer(
        self, name: str, cases: Callable[[str], Case]
    ) -> None:
        """Learned scales and weights, taught by the float model: the losses fall, in weights of its own."""
        case = cases(name)
        before = case.harness.state(case.subject.model)
        inputs, totals, outputs = case.inputs(8), [], None
        trainable = case.trainable(learning_rate=1e-3)
        for _ in range(12):
            losses, outputs = trainable.accumulate(inputs, None)
            trainable.apply(1.0)
            totals.append(sum(losses.values()))
        assert np.isfinite(totals).all()
        assert min(totals[-4:]) < totals[0], totals
        assert [x.shape for x in case.numpy(outputs)] == [x.shape for x in case.expected(inputs)]
        for path, array in case.harness.state(case.subject.model).items():
            np.testing.assert_array_equal(array, before[path], path)

    def test_learned_scales_begin_with_the_fixed_ones_numbers(self, classifier: Case) -> None:
        """The same outputs to the last bit; names and values of `learned` are those that were given."""
        fixed, learned = classifier.trainable(learn_scales=False), classifier.trainable()
        for ours, theirs in zip(
            classifier.numpy(learned.evaluate(classifier.inputs(6))),
            classifier.numpy(fixed.evaluate(classifier.inputs(6))),
            strict=True,
        ):
            np.testing.assert_array_equal(ours, theirs)
        assert fixed.learned() == {}
        assert len(learned.learned()) > 4

    def test_a_saved_training_goes_on_bit_by_bit(self, classifier: Case) -> None:
        """State after two of four steps, into a new trainable: the same scales, weights and losses."""
        first = _stepped(classifier.trainable(learning_rate=1e-2), classifier, range(2))
        state = first.state()
        assert all(isinstance(array, np.ndarray) for array in state.arrays.values())
        values = json.loads(json.dumps(state.values, allow_nan=False))
        again = classifier.trainable(learning_rate=1e-2)
        again.load_state(NativeState(state.arrays, values))
        for trainable in (first, again):
            _stepped(trainable, classifier, range(2, 4))
        assert first.learned().keys() == again.learned().keys()
        expected, found = first.state(), again.state()
        assert expected.arrays.keys() == found.arrays.keys()
        for name, array in expected.arrays.items():
            np.testing.assert_array_equal(found.arrays[name], array, name)
        assert found.values == expected.values

    def test_a_state_of_another_model_is_refused(self, classifier: Case, simple: Case) -> None:
        """StateError, not a model half loaded."""
        state = simple.trainable().state()
        with pytest.raises(StateError):
            classifier.trainable().load_state(state)

    def test_gradients_add_up_over_batches(self, simple: Case) -> None:
        """Two batches, each divided by two, move the weights as their mean does: by plain sums, in any backend."""
        inputs = simple.inputs(8)
        once, twice = simple.trainable(clip_norm=1e9), simple.trainable(clip_norm=1e9, accumulation=2)
        once.accumulate(inputs, None)
        twice.accumulate(inputs, None)
        twice.accumulate(inputs, None)
        norms = [once.apply(1.0), twice.apply(1.0)]
        assert norms[0] is not None
        assert norms[1] == pytest.approx(norms[0], rel=1e-5)

    def test_a_share_of_a_batch_counts_for_its_weight(self, simple: Case) -> None:
        """Gradients are multiplied by `weight`, the losses that are told are not."""
        once, half = simple.trainable(clip_norm=1e9), simple.trainable(clip_norm=1e9)
        losses, _ = once.accumulate(simple.inputs(8), None)
        told, _ = half.accumulate(simple.inputs(8), None, 0.5)
        assert told == losses
        norms = [once.apply(1.0), half.apply(1.0)]
        assert norms[0] is not None
        assert norms[1] == pytest.approx(norms[0] / 2, rel=1e-5)

    def test_the_learning_rate_is_what_was_asked_for(self, simple: Case) -> None:
        """A factor of 0 moves nothing; `set_learning_rate` sets the fastest group's."""
        trainable = simple.trainable(learning_rate=1e-2)
        before = trainable.learned()
        trainable.accumulate(simple.inputs(4), None)
        trainable.apply(0.0)
        for name, scale in trainable.learned().items():
            np.testing.assert_array_equal(scale, before[name])
        assert max(trainable.learning_rates()) == pytest.approx(1e-2)
        trainable.set_learning_rate(1e-3)
        assert max(trainable.learning_rates()) == pytest.approx(1e-3)

    def test_the_trained_weights_can_be_deployed(self, classifier: Case) -> None:
        """`traced` is a model over copies: what it computes by the simulation is what was trained."""
        trainable = _stepped(
            classifier.trainable(learn_scales=False, learning_rate=1e-2), classifier, range(2)
        )
        traced = trainable.traced()
        expected = classifier.numpy(trainable.evaluate(classifier.inputs(5)))
        _stepped(trainable, classifier, range(2, 3))
        outputs = classifier.few_bits.simulation.run(traced, classifier.native_inputs(5))
        for ours, theirs in zip(map(traced.arrays.to_numpy, outputs), expected, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def _stepped(trainable: Trainable, case: Case, seeds: Iterable[int]) -> Trainable:
    """One step on a batch of each seed."""
    for seed in seeds:
        trainable.accumulate(case.inputs(8, seed), None)
        trainable.apply(1.0)
    return trainable

"""`ObserverConformance`: the definition of "an observer works". Read the package's docstring first."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.errors import DataError
from clika_core.observers import NumpyArrays, Observer
from clika_core.schemes.named import ACTIVATION_INT8, ACTIVATION_INT8_SYMMETRIC, ACTIVATION_UINT8
from clika_core.schemes.scheme import QuantScheme
from clika_core.testing.conformance.kit import Kit

SCHEMES: dict[str, QuantScheme] = {
    "uint8": ACTIVATION_UINT8,
    "int8": ACTIVATION_INT8,
    "symmetric": ACTIVATION_INT8_SYMMETRIC,
    "uint4": ACTIVATION_UINT8.with_num_bits(4),
}
MakeObserver = Callable[[], Observer]


class ObserverConformance(Kit):
    """Subclass this with a fixture `make_observer` that returns a factory of your observer."""

    supplied: ClassVar[tuple[str, ...]] = ("make_observer",)

    @pytest.fixture
    def make_observer(self) -> MakeObserver:
        """The author's part."""
        raise NotImplementedError("define a fixture `make_observer` in the subclass")

    @pytest.mark.parametrize("scheme", SCHEMES)
    @pytest.mark.parametrize("shift", [-3.0, 0.0, 5.0])
    def test_a_range_lies_within_what_was_seen_and_zero(
        self, make_observer: MakeObserver, scheme: str, shift: float
    ) -> None:
        """No code is spent on values that never occurred; parameters can be made of it."""
        found = _seen(make_observer, _batches(shift))
        chosen, extent = found.value_range(SCHEMES[scheme]), found.extent
        assert (
            min(extent.min_value, 0.0) <= chosen.min_value <= chosen.max_value <= max(extent.max_value, 0.0)
        )
        assert chosen.max_value > chosen.min_value
        assert np.isfinite(found.params(SCHEMES[scheme]).scale)

    def test_order_and_split_of_the_samples_do_not_matter(self, make_observer: MakeObserver) -> None:
        """Batches in another order, of another size, over several workers: the same to the last bit."""
        batches = _batches()
        whole = _seen(make_observer, batches)
        for other in (batches[::-1], [part for batch in batches for part in np.array_split(batch, 4)]):
            for scheme in SCHEMES.values():
                assert _seen(make_observer, other).params(scheme) == whole.params(scheme)

    def test_merging_is_observing_together(self, make_observer: MakeObserver) -> None:
        """In any order and grouping, also with an observer that has seen nothing."""
        batches = _batches()
        whole = _seen(make_observer, batches)
        for order in ([0, 1, 2, 3], [3, 1, 0, 2]):
            parts = [_seen(make_observer, [batches[i]]) for i in order]
            left, right = make_observer(), make_observer()
            for part in parts[:2]:
                left.merge(part)
            for part in parts[2:]:
                right.merge(part)
            left.merge(right)
            left.merge(make_observer())
            assert left.summary() == whole.summary()
            for scheme in SCHEMES.values():
                assert left.params(scheme) == whole.params(scheme)

    def test_statistics_travel_as_json(self, make_observer: MakeObserver) -> None:
        """What workers send each other merges to what one process sees, to the last bit."""
        batches = _batches()
        whole, merged = _seen(make_observer, batches), make_observer()
        for part in ([batches[2]], [], batches[:2], batches[3:]):
            merged.merge_json(json.loads(json.dumps(_seen(make_observer, part).to_json())))
        assert merged.summary() == whole.summary()
        for scheme in SCHEMES.values():
            assert merged.params(scheme) == whole.params(scheme)

    def test_values_that_are_not_finite_are_refused(self, make_observer: MakeObserver) -> None:
        """DataError naming layer and batch."""
        for value in (np.nan, np.inf, -np.inf):
            damaged = _batches()[0]
            damaged[0, 0] = value
            with pytest.raises(DataError, match=r"batch 7.*conv_3"):
                make_observer().observe(damaged, NumpyArrays(), layer="conv_3", batch=7, num_samples=1)

    def test_a_constant_has_exact_codes(self, make_observer: MakeObserver) -> None:
        """A value that never varies, zero included."""
        for constant in (0.0, -2.5, 1e-3):
            found = _seen(make_observer, [np.full((4, 3), constant, np.float32)])
            params = found.params(ACTIVATION_UINT8)
            steps = constant / float(params.scale)
            assert steps == pytest.approx(round(steps), abs=1e-3)
            assert found.summary().is_constant

    def test_nothing_seen_is_an_error(self, make_observer: MakeObserver) -> None:
        """DataError, not a guess."""
        with pytest.raises(DataError):
            make_observer().params(ACTIVATION_UINT8)
        assert (
            make_observer().share_of_codes_used(_seen(make_observer, _batches()).params(ACTIVATION_UINT8))
            == 0
        )

    def test_the_share_of_codes_is_a_share(self, make_observer: MakeObserver) -> None:
        """Above 0, at most 1."""
        found = _seen(make_observer, _batches())
        for scheme in SCHEMES.values():
            assert 0 < found.share_of_codes_used(found.params(scheme)) <= 1

    def test_statistics_do_not_grow_with_the_data(self, make_observer: MakeObserver) -> None:
        """Ten times the batches, within twice the memory."""
        few, many = _seen(make_observer, _batches()), _seen(make_observer, _batches() * 10)
        assert _size(vars(many)) <= 2 * _size(vars(few)) + 1024

    def test_the_data_is_left_alone(self, make_observer: MakeObserver) -> None:
        """Observing does not write."""
        batches = _batches()
        _seen(make_observer, batches)
        for batch, before in zip(batches, _batches(), strict=True):
            np.testing.assert_array_equal(batch, before)


def _batches(shift: float = 0.5) -> list[NDArray[np.float32]]:
    """Four batches of different spread; heavy tails."""
    random = np.random.default_rng(0)
    return [
        (random.standard_t(4, (8, 300)) * spread + shift).astype(np.float32)
        for spread in (0.5, 1.0, 2.0, 0.1)
    ]


def _seen(make_observer: MakeObserver, batches: Sequence[NDArray[Any]]) -> Observer:
    observer = make_observer()
    for index, batch in enumerate(batches):
        observer.observe(batch, NumpyArrays(), layer="layer", batch=index, num_samples=len(batch))
    return observer


def _size(held: Any) -> int:
    """Bytes of the arrays and numbers reachable through containers and attributes."""
    if isinstance(held, np.ndarray):
        return int(held.nbytes)
    if isinstance(held, dict):
        return sum(map(_size, held.values()))
    if isinstance(held, list | tuple | set | frozenset):
        return sum(map(_size, held))
    return sum(map(_size, vars(held).values())) if hasattr(held, "__dict__") else 8

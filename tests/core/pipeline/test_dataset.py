"""Who gets which samples: calibration the first batches, evaluation the rest, nobody both."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from clika_core.errors import DataError
from clika_core.pipeline.dataset import Dataset, LabelledBatch
from clika_core.pipeline.portions import divide

SAMPLES = np.arange(70)


def samples(batches: Any) -> list[int]:
    return [int(x) for batch in batches for x in getattr(batch, "inputs", batch)]


def split(data: Dataset, evaluation: Dataset | None = None, first: int = 2, limit: int | None = None) -> Any:
    return divide(data, evaluation, first, limit)


def test_the_first_batches_calibrate_and_the_rest_evaluates() -> None:
    found = split(Dataset.of_arrays(SAMPLES, SAMPLES % 7, batch_size=16, name="data.npz"))
    assert samples(found.calibration) == list(range(32))
    assert found.total == 3
    rest = list(found.evaluation)
    assert samples(rest) == list(range(32, 70))
    assert rest[-1].targets.tolist() == [x % 7 for x in range(64, 70)]
    assert found.source == "the batches of data.npz after the 2 that calibrate"


def test_a_dataset_that_shuffles_gives_no_sample_to_both() -> None:
    def shuffled() -> Iterator[tuple[Any, None]]:
        order = list(range(100))
        random.shuffle(order)
        for start in range(0, 100, 10):
            yield np.array(order[start : start + 10]), None

    class Loader:
        def __iter__(self) -> Iterator[Any]:
            return shuffled()

    found = split(Dataset.of_batches(Loader()), first=4)
    used, left = samples(found.calibration), samples(found.evaluation)
    assert len(used) == 40
    assert sorted(used + left) == list(range(100))


def test_evaluation_data_of_its_own_comes_before_the_rest() -> None:
    own = Dataset.of_arrays(np.arange(100, 110), batch_size=5, name="eval.npz")
    found = split(Dataset.of_arrays(SAMPLES), own)
    assert samples(found.evaluation) == list(range(100, 110))
    assert (found.source, found.total) == ("eval.npz", 2)


def test_the_number_of_evaluation_batches_can_be_limited() -> None:
    found = split(Dataset.of_arrays(SAMPLES, batch_size=10), limit=3)
    assert (found.total, samples(found.evaluation)) == (3, list(range(20, 50)))


def test_where_nothing_is_left_it_is_said() -> None:
    found = split(Dataset.of_arrays(SAMPLES, batch_size=50, name="d"))
    assert found.evaluation is None
    assert found.source == "none: all 2 batches of d calibrate"


def test_no_batch_is_an_error() -> None:
    with pytest.raises(DataError, match="arrays has no batch"):
        split(Dataset.of_arrays(SAMPLES[:0]))
    with pytest.raises(DataError, match="no batch is left for calibration"):
        split(Dataset.of_arrays(SAMPLES), first=0)


BATCH = np.zeros((3, 2))
FORMS: dict[str, Any] = {
    "pairs": [(BATCH, [1, 2, 3])],
    "lists, as a loader's": [[BATCH, [1, 2, 3]]],
    "labelled": [LabelledBatch(BATCH, [1, 2, 3])],
}


@pytest.mark.parametrize("form", FORMS)
def test_a_batch_of_two_is_inputs_and_targets(form: str) -> None:
    (batch,) = Dataset.of_batches(FORMS[form]).read()
    assert batch.inputs is BATCH
    assert batch.targets == [1, 2, 3]


@pytest.mark.parametrize("batch", [BATCH, {"x": BATCH}])
def test_a_batch_without_targets_is_inputs(batch: Any) -> None:
    (found,) = Dataset.of_batches([batch]).read()
    assert found.inputs is batch
    assert found.targets is None


def test_arrays_from_a_function_are_cut() -> None:
    by_name = Dataset.of_batches({"x": SAMPLES, "y": SAMPLES}, batch_size=40)
    assert [len(batch.inputs["y"]) for batch in by_name.read()] == [40, 30]
    pair = Dataset.of_batches((SAMPLES, SAMPLES % 2), batch_size=40)
    assert [batch.targets.max() for batch in pair.read()] == [1, 1]


def test_what_is_no_data_is_refused() -> None:
    for wrong in (None, 3, "data.npz"):
        with pytest.raises(DataError, match="gives no data"):
            Dataset.of_batches(wrong)
    with pytest.raises(DataError, match="a tuple of 3"):
        next(Dataset.of_batches([(BATCH, BATCH, BATCH)]).read())
    with pytest.raises(DataError, match="different numbers of samples"):
        Dataset.of_arrays(SAMPLES, SAMPLES[:-1])

"""Who gets which batches: calibration takes the first ones and keeps them, evaluation the rest, or data of its own.

No sample is ever in both, also where a dataset shuffles: it is read once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from clika_core.errors import DataError
from clika_core.pipeline.data import Batches
from clika_core.pipeline.dataset import Dataset, LabelledBatch
from clika_core.settings.model import Settings

NOTHING_LEFT = (
    "no data is left for evaluation: all of it calibrates. Give evaluation data (--eval-data, in Python "
    "evaluation_data), more data, or a lower training_settings.stats_steps"
)


@dataclass(frozen=True, slots=True, eq=False)
class Portions:
    """What calibrates and what evaluates; `source` says in words where the evaluation batches come from.

    `evaluation` can be read once; None where there is none. `total` is the number of its batches, if known.
    """

    calibration: Batches
    evaluation: Iterator[LabelledBatch] | None = None
    source: str = ""
    total: int | None = None
    notes: tuple[str, ...] = ()


def portions(calibration: Any, evaluation: Any, settings: Settings, batch_size: int) -> Portions:
    """From data as `compress` takes it: a `Dataset` also gives what is left of it for evaluation.

    Raises DataError where something is no data.
    """
    training = settings.training_settings
    own = None if evaluation is None else Dataset.of_batches(evaluation, batch_size=batch_size)
    if isinstance(calibration, Dataset):
        return divide(calibration, own, training.stats_steps, training.evaluation_steps)
    batches = Batches(calibration, batch_size=batch_size, limit=training.stats_steps)
    return Portions(batches) if own is None else _with_evaluation(batches, own, training.evaluation_steps)


def divide(data: Dataset, own: Dataset | None, num_calibration: int, limit: int | None = None) -> Portions:
    """The first `num_calibration` batches of `data` calibrate; `own` data, else the rest, evaluates.

    At most `limit` batches evaluate, None for all. Raises DataError where `data` has no batch.
    """
    batches = data.read()
    kept = list(islice(batches, num_calibration))
    if not kept:
        raise DataError(
            f"{data.name} has no batch" if num_calibration else "no batch is left for calibration",
            expected="at least one batch of inputs",
            fix="give data, with training_settings.stats_steps above 0",
        )
    calibration = Batches([batch.inputs for batch in kept])
    if own is not None:
        return _with_evaluation(calibration, own, limit)
    first = next(batches, None)
    if first is None:
        source = f"none: all {len(kept)} batches of {data.name} calibrate"
        return Portions(calibration, source=source, notes=(NOTHING_LEFT,))
    rest = Dataset(
        f"the batches of {data.name} after the {len(kept)} that calibrate",
        lambda: chain([first], batches),
        None if data.length is None else data.length - len(kept),
    )
    return _with_evaluation(calibration, rest, limit)


def _with_evaluation(calibration: Batches, data: Dataset, limit: int | None) -> Portions:
    known = [number for number in (data.length, limit) if number is not None]
    return Portions(calibration, islice(data.read(), limit), data.name, min(known, default=None))

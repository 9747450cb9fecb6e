"""Improves what post-training quantization made, by the techniques that the settings ask for."""

from __future__ import annotations

import time
from dataclasses import replace

from clika_core.backend.interface import Removals
from clika_core.calibration.calibrate import calibrate
from clika_core.observers import DEFAULT_OBSERVER
from clika_core.pipeline.data import Batches
from clika_core.pipeline.journal import Journal, Progress
from clika_core.pipeline.quantization import Quantized
from clika_core.plugins.registry import observer_named
from clika_core.quality.samples import joined_samples
from clika_core.quality.techniques import TECHNIQUES, chosen_techniques
from clika_core.quality.work import Work
from clika_core.settings.model import Settings


def improved(
    quantized: Quantized, settings: Settings, data: Batches, progress: Progress | Journal | None = None
) -> Quantized:
    """The quantized model after every technique in force, with a model of its own.

    Reads the first batches of `data` once more, and all of it where ranges change. Fine-tuning starts without: it
    learns what techniques estimate.
    """
    names = chosen_techniques(settings.global_quantization_settings)
    if not names or not quantized.simulation.specs:
        return quantized
    journal = Journal.of(progress)
    journal.step("improve")
    started = time.perf_counter()
    make_observer = observer_named(settings.global_quantization_settings.observer or DEFAULT_OBSERVER)
    work = Work(
        quantized.model.preprocess(Removals({})),
        quantized.model,
        quantized.plan,
        quantized.target,
        quantized.parameters,
        quantized.simulation,
        joined_samples(quantized.model, data.native(quantized.model)),
        lambda model, keys: calibrate(model, keys, data.native(model), make_observer).observers,
    )
    improvements = {}
    for name in names:
        work, improvements[name] = TECHNIQUES[name].improve(work)
        journal.detail(improvements[name].summary)
    seconds = round(time.perf_counter() - started, 4)
    return replace(
        quantized,
        model=work.model,
        unimproved=quantized.model,
        parameters=work.parameters,
        simulation=work.simulation,
        improvements=improvements,
        timings_seconds={**quantized.timings_seconds, "improve": seconds},
    )

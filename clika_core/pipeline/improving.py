"""Quantization after training as users get it: with the techniques in force before and behind it."""

from __future__ import annotations

import time
from dataclasses import replace

from clika_core.backend.interface import Removals, TracedModel
from clika_core.pipeline.data import Batches
from clika_core.pipeline.journal import Journal, Progress
from clika_core.pipeline.quantization import Prepare, Prepared, Quantized, quantize_traced
from clika_core.quality import techniques
from clika_core.quality.reference import Reference
from clika_core.quality.running_layer import summing_heads
from clika_core.quality.samples import joined_samples
from clika_core.quality.techniques import IMPROVING, PREPARING, chosen_techniques
from clika_core.quality.work import FloatWork, Work
from clika_core.settings.model import Settings
from clika_core.simulation.points import Points
from clika_core.targets.target import Target


def quantize_after_training(
    traced: TracedModel,
    settings: Settings,
    target: Target,
    data: Batches,
    progress: Progress | Journal | None = None,
) -> Quantized:
    """`quantize_traced` of the model that techniques prepare, improved by those that act on the quantized one.

    Fine-tuning starts without: it learns what techniques estimate.
    """
    journal = Journal.of(progress)
    prepare = preparation(settings, data, journal)
    quantized = quantize_traced(traced, settings, target, data, journal, prepare=prepare)
    return improved(quantized, settings, data, journal)


def preparation(settings: Settings, data: Batches, journal: Journal) -> Prepare | None:
    """What `quantize_traced` does to the float model first: the techniques before calibration, if any is in force.

    Reads the first batches of `data`.
    """
    chosen = settings.global_quantization_settings
    if not chosen_techniques(chosen, PREPARING):
        return None

    def prepare(floating: TracedModel, points: Points) -> Prepared:
        samples = joined_samples(floating, data.native(floating))
        work = FloatWork(floating.preprocess(Removals({})), points.observed, samples)
        prepared, done = techniques.prepared(work, chosen, journal.detail)
        return Prepared(prepared.model, done)

    return prepare


def improved(
    quantized: Quantized, settings: Settings, data: Batches, progress: Progress | Journal | None = None
) -> Quantized:
    """The quantized model after every technique in force that acts on it, with a model of its own.

    Reads the first batches of `data` once more.
    """
    chosen = settings.global_quantization_settings
    if not chosen_techniques(chosen, IMPROVING) or not quantized.simulation.specs:
        return quantized
    journal = Journal.of(progress)
    journal.step("improve")
    started = time.perf_counter()
    samples = joined_samples(quantized.model, data.native(quantized.model))
    work = Work(
        quantized.model.preprocess(Removals({})),
        Reference(quantized.model, samples, summing_heads(quantized.simulation)),
        quantized.plan,
        quantized.target,
        quantized.parameters,
        quantized.simulation,
    )
    work, done = techniques.improved(work, chosen, journal.detail)
    seconds = round(time.perf_counter() - started, 4)
    return replace(
        quantized,
        model=work.model,
        unimproved=quantized.floating,
        parameters=work.parameters,
        simulation=work.simulation,
        improvements={**quantized.improvements, **done},
        timings_seconds={**quantized.timings_seconds, "improve": seconds},
    )

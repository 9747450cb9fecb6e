"""Quantization after training as users get it: with the techniques in force before and behind it."""

from __future__ import annotations

import time
from dataclasses import replace

from clika_core.backend.interface import Removals, TracedModel
from clika_core.ir.operators import OPERATORS
from clika_core.pipeline.data import Batches
from clika_core.pipeline.journal import Journal, Progress
from clika_core.pipeline.quantization import Prepared, Quantized, quantize_traced
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
    prepare = Preparation.of(settings, data, journal)
    quantized = quantize_traced(traced, settings, target, data, journal, prepare=prepare)
    return improved(quantized, settings, data, journal, None if prepare is None else prepare.reference)


class Preparation:
    """What `quantize_traced` does to the float model first: the techniques before calibration.

    `reference` is of the prepared model, once there is one. Reads the first batches of `data`.
    """

    def __init__(self, settings: Settings, data: Batches, journal: Journal) -> None:
        """By the techniques in force."""
        self._chosen, self._data, self._journal = settings.global_quantization_settings, data, journal
        self.reference: Reference | None = None

    @classmethod
    def of(cls, settings: Settings, data: Batches, journal: Journal) -> Preparation | None:
        """None where no such technique is in force."""
        is_asked_for = chosen_techniques(settings.global_quantization_settings, PREPARING)
        return cls(settings, data, journal) if is_asked_for else None

    def __call__(self, floating: TracedModel, points: Points) -> Prepared:
        """The prepared model."""
        model = floating.preprocess(Removals({}))
        samples = joined_samples(floating, self._data.native(floating))
        nodes = (node for node in model.graph.layers if "weight" in OPERATORS[node.type].weight_operands)
        heads = {node.name for node in nodes if node.weight("weight") is not None}
        work = FloatWork(model, points.observed, Reference(model, samples, heads))
        work, done = techniques.prepared(work, self._chosen, self._journal.detail)
        self.reference = work.reference
        return Prepared(work.model, done)


def improved(
    quantized: Quantized,
    settings: Settings,
    data: Batches,
    progress: Progress | Journal | None = None,
    reference: Reference | None = None,
) -> Quantized:
    """The quantized model after every technique in force that acts on it, with a model of its own.

    `reference` is of the model that was quantized; without it the first batches of `data` are read once more.
    """
    chosen = settings.global_quantization_settings
    if not chosen_techniques(chosen, IMPROVING) or not quantized.simulation.specs:
        return quantized
    journal = Journal.of(progress)
    journal.step("improve")
    started = time.perf_counter()
    heads = summing_heads(quantized.simulation)
    if reference is None:
        samples = joined_samples(quantized.model, data.native(quantized.model))
        reference = Reference(quantized.model, samples, heads)
    work = Work(
        quantized.model.preprocess(Removals({})),
        replace(reference, heads=heads),
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

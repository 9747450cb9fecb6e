"""A finished run in a few lines: what was decided, what it costs, what it gains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from clika_core.pipeline import narration
from clika_core.pipeline.evaluation import Evaluation
from clika_core.planning.plan import Plan
from clika_core.planning.wording import describe
from clika_core.sensitivity.sums import Measurement

SHOWN = 8
_MODELS = {"float": "float", "quantized": "simulated", "deployed": "deployed"}


def summary_lines(
    report: Mapping[str, Any],
    plan: Plan,
    measurements: Mapping[str, Measurement],
    evaluation: Evaluation | None,
) -> Iterator[str]:
    """The summary of a run, as the console and the log end with it."""
    yield narration.counts(plan)
    for name in plan.skipped[:SHOWN]:
        yield f"  {name} stays float: {'; '.join(map(describe, plan[name].causes))}"
    if len(plan.skipped) > SHOWN:
        yield f"  and {len(plan.skipped) - SHOWN} more: see clika_report.json, or clika plan"
    yield from _sensitive(plan, measurements)
    yield ""
    yield from _evaluation_lines(report, evaluation)
    yield from _agreement_lines(report)
    yield from _size_lines(report)


def _sensitive(plan: Plan, measurements: Mapping[str, Measurement]) -> Iterator[str]:
    quantized = set(plan.quantized)
    heads = [head for head in plan.groups if head in measurements and head in quantized]
    worst = sorted(heads, key=lambda head: (-measurements[head].qs, head))[:3]
    if worst:
        found = ", ".join(f"{head} {measurements[head].qs:.4f}" for head in worst)
        yield f"most sensitive quantized layers (QS): {found}"


def _evaluation_lines(report: Mapping[str, Any], evaluation: Evaluation | None) -> Iterator[str]:
    if evaluation is not None:
        yield f"evaluated on {evaluation.samples} samples: {evaluation.source}"
    accuracy = {name: value for name, value in report["accuracy"].items() if value is not None}
    name = evaluation.metric if evaluation is not None and evaluation.metric else "score"
    if accuracy:
        yield f"{name}: " + ", ".join(f"{_MODELS[key]} {value:.4f}" for key, value in accuracy.items())
    if evaluation is not None:
        distances = evaluation.relative_l2.items()
        yield "distance to float (relative L2): " + ", ".join(
            f"{_MODELS[key]} {x:.4f}" for key, x in distances
        )
        if len(evaluation.outputs) > 1:
            for output, found in evaluation.outputs.items():
                yield f"  {output}: " + ", ".join(
                    f"{_MODELS[key]} {value:.4f}" for key, value in found.items()
                )


def _agreement_lines(report: Mapping[str, Any]) -> Iterator[str]:
    layers = report["agreement"]["layers"]
    if layers:
        worst = min(layers, key=lambda name: (layers[name]["share_equal"], name))
        yield (
            f"simulation and runtime agree, layer by layer, on at least {layers[worst]['share_equal']:.4%} of the "
            f"codes ({worst})"
        )


def _size_lines(report: Mapping[str, Any]) -> Iterator[str]:
    sizes, seconds = report["sizes_bytes"], report["latency_seconds"]
    if {"weights_float", "weights_quantized"} <= set(sizes):
        ratio = sizes["weights_float"] / max(sizes["weights_quantized"], 1)
        files = (
            f"; file {sizes['file_float']:,} -> {sizes['file_quantized']:,} bytes"
            if "file_float" in sizes
            else ""
        )
        weights = f"weights {sizes['weights_float']:,} -> {sizes['weights_quantized']:,} bytes"
        yield f"{weights}, {ratio:.2f} x smaller{files}"
    if {"float", "int8"} <= set(seconds):
        before, after = seconds["float"], seconds["int8"]
        change = f"{before / after:.2f} x faster" if after <= before else f"{after / before:.2f} x slower"
        yield f"one sample on one thread: {before * 1000:.3f} -> {after * 1000:.3f} ms, {change}"

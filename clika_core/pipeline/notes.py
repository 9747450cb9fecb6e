"""What a run has to say beside its numbers: settings that do nothing yet, plans that quantize nothing, and where
the simulation is no good promise."""

from __future__ import annotations

import math
from collections.abc import Mapping

from clika_core.deployment.code_agreement import CodeAgreement
from clika_core.errors import SettingsError
from clika_core.planning.decision import CauseKind
from clika_core.planning.plan import Plan
from clika_core.settings.model import Settings
from clika_core.settings.sections import SECTIONS

POOR_AGREEMENT = 0.9999  # below this share of equal codes the simulation does not keep its promise

_IN_USE = {
    "deployment_settings": {"target_framework", "weights_utilize_full_int_range", "cpu"},
    "distributed_training_settings": set(),
    "global_quantization_settings": set(SECTIONS["global_quantization_settings"].keys),
    "training_settings": {
        *("stats_steps", "evaluation_steps", "random_seed"),
        *("original_last_learning_rate", "learning_rate"),  # the linter compares them
    },
}


def settings_notes(settings: Settings) -> list[str]:
    """One note per setting that was changed and has no effect in this release.

    Raises SettingsError for `method: qat`: quantizing after training would be something else than was asked for.
    """
    if settings.global_quantization_settings.method == "qat":
        raise SettingsError(
            "compress quantizes after training and cannot fine-tune: it is given no losses",
            found="global_quantization_settings.method: qat",
            expected="ptq, or null",
            fix="fine-tune with clika_compression.clika_compress",
            location=settings.location_of("global_quantization_settings", "method"),
        )
    changed = [
        f"{section}.{key}"
        for section, kind in SECTIONS.items()
        for key in kind.keys
        if key not in _IN_USE[section] and getattr(settings.section(section), key) != kind.keys[key].default
    ]
    return [
        f"{name} has no effect here: it belongs to fine-tuning (clika_compression.clika_compress)"
        for name in changed
    ]


def plan_notes(plan: Plan) -> list[str]:
    """A note where no layer is quantized, with the reason that holds for most layers."""
    if plan.quantized:
        return []
    reasons = [
        cause.of[0] for d in plan.decisions for cause in d.causes if cause.kind is CauseKind.UNSUPPORTED
    ]
    why = f": {max(set(reasons), key=reasons.count)}" if reasons else ""
    return [f"no layer is quantized{why}"]


def agreement_notes(codes: Mapping[str, CodeAgreement], end_to_end: Mapping[str, float]) -> list[str]:
    """Where simulation and runtime differ by more than the promise, and distances that are no numbers."""
    poor = [
        f"{name} ({found.share_equal:.4%} equal, by up to {found.largest_difference})"
        for name, found in codes.items()
        if found.share_equal < POOR_AGREEMENT or found.largest_difference > 1
    ]
    notes = [f"simulation and runtime differ in {', '.join(poor)}"] if poor else []
    return notes + [f"{name} is {value}" for name, value in end_to_end.items() if not math.isfinite(value)]


def score_notes(scores: Mapping[str, float | None], metric: str | None) -> list[str]:
    """Scores that are no numbers, by model: nothing follows from them."""
    called = f"the metric {metric}" if metric else "evaluation="
    return [
        f"{called} is {value} for the {model} model: no accuracy follows from it"
        for model, value in scores.items()
        if value is not None and not math.isfinite(value)
    ]

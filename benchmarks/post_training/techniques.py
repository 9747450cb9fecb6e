"""What each technique after training is worth: the same traced model quantized with several sets of them.

    python -m benchmarks.post_training.techniques --texts FOLDER --weights residual.pt

A model is traced once for each seed, and all variants have the same samples, so that they differ in techniques
alone; SQNR is that of the simulated outputs on samples that did not calibrate, every layer quantized that `ort` can
run. Rows are kept in `benchmarks/results/post_training_techniques.jsonl`; `--models` and `--seeds` measure those
again, the page is written from the rows. The folders are those of `python -m benchmarks.post_training`.
"""

from __future__ import annotations

import datetime
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any, Final
from unittest import mock

import torch

from benchmarks.post_training.cases import MODELS, Case, cases
from benchmarks.post_training.measuring import processor, relative_l2
from benchmarks.post_training.options import parser_of_samples
from benchmarks.post_training.quantized import tensors
from benchmarks.post_training.rows import Rows

ROWS: Final = Rows(Path(__file__).parents[1] / "results" / "post_training_techniques.jsonl", "variant")


@dataclass(frozen=True)
class Variant:
    """Settings beside the defaults, and the alphas that balancing chooses from where they are not its own."""

    settings: Mapping[str, bool] = field(default_factory=dict)
    alphas: tuple[float, ...] = ()


NEITHER = {"adaptive_rounding": False, "scale_correction": False}
CONVOLUTIONAL: Final = {
    "by default": Variant(),
    "biases alone": Variant({**NEITHER, "cross_layer_equalization": False}),
    "biases, equalization": Variant(NEITHER),
    "and rounding": Variant({**NEITHER, "adaptive_rounding": True}),
    "and scales": Variant({**NEITHER, "scale_correction": True}),
    "and both": Variant(dict.fromkeys(NEITHER, True)),
}
TRANSFORMING: Final = {
    "by default": Variant(),
    "no balancing": Variant({"activation_balancing": False}),
    "no scales": Variant({"scale_correction": False}),
    "alpha 0.5 for all": Variant(alphas=(0.5,)),
    "alpha 0.8 for all": Variant(alphas=(0.8,)),
}
VARIANTS: Final = {**dict.fromkeys(MODELS, CONVOLUTIONAL), "MiniLM": TRANSFORMING}


def main() -> None:
    parser = parser_of_samples(__doc__)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.texts and options.weights:
        made = cases(options.texts, options.weights)
        for model in options.models or made:
            for seed in options.seeds:
                for found in _measured(made[model](seed), VARIANTS[model]):
                    row = {"model": model, "seed": seed, **found}
                    ROWS.keep(row)
                    print(json.dumps(row), flush=True)
    rows = ROWS.tidy([*MODELS, *CONVOLUTIONAL, *TRANSFORMING])
    ROWS.page.write_text(page_text(rows), encoding="utf-8", newline="\n")


def _measured(case: Case, variants: Mapping[str, Variant]) -> Iterator[dict[str, Any]]:
    """One row for each variant, without its key."""
    import clika_core
    from clika_core.pipeline import deployment
    from clika_core.pipeline.data import Batches
    from clika_core.pipeline.improving import quantize_after_training
    from clika_core.plugins.registry import find_target
    from clika_core.quality import balancing, gains

    data = Batches([tensors(batch) for batch in case.batches(case.calibration)])
    evaluation = [list(batch.values()) for batch in case.batches(case.evaluation)]
    with torch.no_grad():
        traced = clika_core.trace(case.model, tensors(case.batches(case.calibration)[0]))
        floats = deployment.run_float(traced, evaluation)
        for name, variant in variants.items():
            started = time.process_time()
            with mock.patch.object(balancing, "ALPHAS", variant.alphas or gains.ALPHAS):
                found = quantize_after_training(traced, _settings(variant), find_target("ort"), data)
            seconds = time.process_time() - started
            distance = relative_l2(deployment.run_simulation(found, evaluation), floats)
            yield {
                "variant": name,
                "relative_l2": distance,
                "seconds": round(seconds, 2),
                "measured": f"{processor()}, {datetime.date.today()}",
            }


def _settings(variant: Variant) -> Any:
    import clika_core

    settings = clika_core.Settings()
    chosen = settings.global_quantization_settings
    chosen.skip_tail_quantization = False
    for name, value in variant.settings.items():
        setattr(chosen, name, value)
    return settings


def page_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A table for each set of variants: SQNR seed by seed, and the processor seconds of the whole quantization."""
    lines = [
        "# What techniques after training are worth",
        "",
        "Written by `python -m benchmarks.post_training.techniques` out of `post_training_techniques.jsonl`. SQNR",
        "of the simulated outputs in dB on samples that did not calibrate, their mean and seed by seed, and in",
        "brackets the least processor seconds of quantization as a whole, beside other work. All variants of a model",
        "and seed have the same samples; every layer is quantized that `ort` can run, tails too.",
        "Biases are corrected in all of them.",
        "",
    ]
    for variants in (CONVOLUTIONAL, TRANSFORMING):
        chosen = [row for row in rows if VARIANTS[row["model"]] is variants]
        lines += [f"| model | {' | '.join(variants)} |", "|---" * (len(variants) + 1) + "|"]
        for model, of_model in groupby(chosen, lambda row: row["model"]):
            found = list(of_model)
            cells = [_cell([row for row in found if row["variant"] == name]) for name in variants]
            lines.append(f"| {model} | {' | '.join(cells)} |")
        lines.append("")
    seeds = sorted({row["seed"] for row in rows})
    lines.append(f"Seeds {', '.join(map(str, seeds))}; {'; '.join({row['measured'] for row in rows})}.")
    return "\n".join([*lines, ""])


def _cell(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    decibels = [-20 * math.log10(row["relative_l2"]) for row in rows]
    each = ", ".join(f"{value:.1f}" for value in decibels)
    return f"**{fmean(decibels):.1f}**: {each} ({min(row['seconds'] for row in rows):.1f})"


if __name__ == "__main__":
    main()

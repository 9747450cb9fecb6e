"""Tracing and planning a model as large as Llama-2-7B, without its weights: on the meta device.

    python -m benchmarks.large_model -o benchmarks/results/large_model.md --about "2 cores, idle"

Needs transformers. `clika.trace` beside the part of it that `torch.export` itself takes, then plans of the graph with
rules, and what memory grew by. Processor seconds, the shortest of all runs.
"""

from __future__ import annotations

import datetime
import os
import resource
import time
from dataclasses import dataclass
from importlib import metadata
from typing import Any
from unittest import mock

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch reads it
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from torch import nn

import clika_core as clika
from benchmarks.publishing import parser_of_page, publish

_EXPORT = torch.export.export


@dataclass(frozen=True)
class Row:
    """What one model takes; `plan_seconds` with a rule for one block, `memory_mib` beyond the bare model's."""

    parameters: int
    layers: int
    trace_seconds: float
    export_seconds: float
    plan_seconds: float
    quantized: int
    skipped_by_rule: int
    memory_mib: float

    @property
    def own_share(self) -> float:
        """What tracing adds to the export, as a share of it."""
        return self.trace_seconds / self.export_seconds - 1


def llama(blocks: int) -> nn.Module:
    """Llama-2-7B where `blocks` are 32."""
    from tests.backends.torch.zoo import language

    transformers: Any = language.transformers  # type: ignore[attr-defined] # behind what makes torchvision importable

    config = transformers.LlamaConfig(
        vocab_size=32_000,
        hidden_size=4096,
        intermediate_size=11_008,
        num_hidden_layers=blocks,
        num_attention_heads=32,
        num_key_value_heads=32,
        use_cache=False,
    )
    with torch.device("meta"):
        model: nn.Module = transformers.LlamaForCausalLM(config)
    return model.eval()


def measure(model: nn.Module, runs: int) -> Row:
    """Trace and plan `model`, which takes `input_ids`, `runs` times."""
    inputs = {"input_ids": torch.zeros(2, 16, dtype=torch.int64, device="meta")}
    before = _peak_mib()
    whole, exported = min(_traced(model, inputs) for _ in range(runs))
    graph = clika.trace(model, inputs).graph
    settings = clika.Settings()
    skip = clika.LayerQuantizationSettings(skip_quantization=True)
    settings.set_quantization_settings_for_layer("path:model.layers.3", skip)
    started = time.process_time()
    plan = clika.plan(graph, settings, target="ort")
    planned = time.process_time() - started
    by_rule = [d for d in plan.decisions if any(str(cause.kind) == "rule" for cause in d.causes)]
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Row(
        parameters,
        len(graph.layers),
        whole,
        exported,
        planned,
        len(plan.quantized),
        len(by_rule),
        _peak_mib() - before,
    )


def _traced(model: nn.Module, inputs: dict[str, torch.Tensor]) -> tuple[float, float]:
    """Seconds of a trace, and those inside the export."""
    spent: list[float] = []

    def timed(*given: object, **named: object) -> object:
        started = time.process_time()
        try:
            return _EXPORT(*given, **named)  # type: ignore[arg-type]
        finally:
            spent.append(time.process_time() - started)

    with mock.patch.object(torch.export, "export", timed):
        started = time.process_time()
        clika.trace(model, inputs)
        return time.process_time() - started, sum(spent)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def page(row: Row, about: str) -> str:
    """The result in words."""
    versions = ", ".join(
        f"{name} {metadata.version(name).partition('+')[0]}" for name in ("torch", "transformers")
    )
    return "\n".join(
        [
            "# A model as large as Llama-2-7B",
            "",
            f"On the meta device, two sequences of 16 tokens; processor seconds. {datetime.date.today()},",
            f"{versions}.",
            about,
            "",
            "| parameters | layers | trace | of these torch.export | own | plan with a rule | quantized "
            "| float by the rule | memory grew by |",
            "|---|---|---|---|---|---|---|---|---|",
            f"| {row.parameters:,} | {row.layers} | {row.trace_seconds:.2f} s | {row.export_seconds:.2f} s "
            f"| {row.own_share:.0%} | {1e3 * row.plan_seconds:.0f} ms | {row.quantized} | {row.skipped_by_rule} "
            f"| {row.memory_mib:.0f} MiB |",
            "",
        ]
    )


def main() -> None:
    parser = parser_of_page(__doc__)
    parser.add_argument("--blocks", type=int, default=32)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    text = page(measure(llama(options.blocks), options.runs), options.about)
    publish(text, options.output)


if __name__ == "__main__":
    main()

"""The page of the models that were tried, from the rows that `benchmarks/models.py` measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from docs.generators.markdown import page, table

ROWS: Final = Path(__file__).parents[2] / "benchmarks" / "results" / "models"
FRAMEWORKS: Final = {"torch": "PyTorch", "tensorflow": "TensorFlow and Keras", "jax": "JAX"}
MEANING: Final = {
    "model, from": "its name, and the library that it comes from; *own* is written in the tests",
    "layers, weighted": "layers of the graph, and those that hold a weight",
    "quantized, tail": "layers that are quantized, and those that a model ends in and that stay in floating point",
    "trace, capture": "processor seconds of `clika.trace`, and those that the framework's own capture takes of them",
    "own": "what tracing adds to that capture, as a share of it",
    "simulated": "relative L2 of the quantized model's results to the float model's",
    "deployed": "relative L2 of onnxruntime's results to the simulation's",
    "floor": "relative L2 of the float model in float32 to that in float64",
    "turned": "relative L2 of the simulation to one whose float layers compute in float64: what float32 alone does "
    "to the quantized model, whose codes turn where a value lies near a tie. *deployed* can be less only where the "
    "simulation knows the runtime's order (batch norms, linear resizes) or no code turns",
    "speed": "the float file's latency over the int8 file's in onnxruntime, one thread, one sample",
}
COLUMNS: Final = tuple(
    "model from layers weighted quantized tail trace capture own simulated deployed floor turned speed".split()
)


def page_text() -> str:
    """A section for every backend that has rows."""
    introduction = (
        "Architectures with random weights, in small configurations, from tracing to onnxruntime, with the settings "
        "that were the default when a row was measured: each section names the techniques. `tox -e models` measures "
        "them anew. An architecture of `tests/backends/*/zoo` that is missing here was not measured yet. The "
        "latencies behind *speed* were taken beside other work: they are rough."
    )
    meaning = table(["column", "what"], list(MEANING.items()))
    sections = [section(name, rows_of(name)) for name in FRAMEWORKS]
    return page("Models", introduction, meaning, *sections)


def rows_of(backend: str) -> list[dict[str, Any]]:
    """The rows of a backend in the order of its catalogue; none where it was not measured."""
    file = ROWS / f"{backend}.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [json.loads(line) for line in lines]


def section(backend: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """The table of a backend, and what failed with its reason; nothing without rows."""
    if not rows:
        return ""
    good = [row for row in rows if "error" not in row]
    said = f"{len(good)} of the {len(rows)} models that were measured go all the way. {_measured(rows)}"
    parts = [f"## {FRAMEWORKS[backend]}", said, table(COLUMNS, map(_cells, good))]
    failures = [[row["name"], row["error"], row["why"]] for row in rows if "error" in row]
    if failures:
        parts += ["What does not go all the way:", table(["model", "error", "why"], failures)]
    return "\n\n".join(parts)


def _measured(rows: Sequence[Mapping[str, Any]]) -> str:
    """With what and when; where not all rows are of one time, which are of the others."""
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row["measured"], []).append(row["name"])
    (main, _), *others = sorted(names.items(), key=lambda item: -len(item[1]))
    said = [f"Measured with {main}.", *(f"With {how}: {', '.join(held)}." for how, held in others)]
    return " ".join(said)


def _cells(row: Mapping[str, Any]) -> list[str]:
    counts = (row[name] for name in ("name", "family", "layers", "weighted", "quantized", "tail"))
    own = row["trace_seconds"] / row["capture_seconds"] - 1
    return [
        *map(str, counts),
        *(f"{row['trace_seconds']:.2f}", f"{row['capture_seconds']:.2f}", f"{own:.0%}"),
        *(f"{row['simulated']:.4f}", f"{row['deployed']:.0e}"),
        *("" if row.get(name) is None else f"{row[name]:.0e}" for name in ("floor", "turned")),
        "" if row["latency_ratio"] is None else f"{row['latency_ratio']:.1f}",
    ]

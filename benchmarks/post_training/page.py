"""The page of the results, written from the rows alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import fmean

from benchmarks.post_training.rows import Row

OURS = "clika"
INTRODUCTION = """\
# Post-training quality on models with real weights

Written by `python -m benchmarks.post_training` out of `post_training.jsonl`; rows are measured by the same command,
each tool in an environment that has it. Calibration and evaluation are on different samples, drawn anew for each
seed, the same for every tool; no default of ours was chosen by the samples of these seeds. Figures are means over
the seeds, in brackets the smallest and the largest. All layers may be quantized, tails too.

- *SQNR* is that of all outputs against the float model; *agreement* is the share of equal top-1, or the cosine of
  embeddings.
- *layers* are convolutions and linear layers, *products* those of two values in attention; in int8 are those whose
  two operands are codes, be they moved on the way. Both are counted in the graph that the tool made, by one program
  for all ([coverage.py](../post_training/coverage.py)).
- *onnxruntime* means that the deployed file ran, *simulated* that rounding was computed in float.
- *seconds* are of the processor, of one thread: exporting or tracing, and quantizing. NNCF for PyTorch captures the
  model while it quantizes. They are the least of the seeds; peers ran beside other work on the machine. Ours
  measures the sensitivity of every layer on the way, which no peer does: in brackets. *wall* is the time that passed
  on several threads, where rows have it.
- *others* are PReLUs, sums of two values and means, counted likewise: tools that leave them in float round less
  often. Ours leaves PReLUs in float, for which onnxruntime has no integer kernel; it writes a convolution in front of
  one twice, which counts twice, and a PReLU as a product and a sum.
- torchao's X86 quantizer passes over subclasses of `Conv2d`, which EfficientNet-Lite0's convolutions are;
  *plain convolutions* is the same model with them rewritten. It stops at layers whose results nothing reads, such as
  the pooler of MiniLM, so that this is left out for all.
- Rows that failed name what the tool itself raised.
"""
HEAD = (
    "| tool | runs in | SQNR, dB | relative L2 | agreement | layers in int8 | products in int8 | others in int8 "
    "| seconds |\n" + "|---" * 9 + "|"
)


def page_text(rows: Sequence[Row]) -> str:
    """The whole page."""
    tables = [
        f"## {model}\n\n{HEAD}\n" + "\n".join(_lines(list(of_model)))
        for model, of_model in groupby(rows, lambda row: row["model"])
    ]
    return "\n".join([INTRODUCTION, _best(rows), *[table + "\n" for table in tables], _measured(rows)])


def _lines(rows: Iterable[Row]) -> Iterator[str]:
    for tool, of_tool in groupby(rows, lambda row: row["tool"]):
        yield f"| {tool} | {' | '.join(_cells(list(of_tool)))} |"


def _cells(rows: Sequence[Row]) -> list[str]:
    failed = [row for row in rows if "error" in row]
    if failed:
        return [f"failed: {failed[0]['error']}", *[""] * 7]
    last = rows[-1]
    return [
        last["runs_in"],
        _spread([_decibels(row) for row in rows], 1),
        _spread([row["relative_l2"] for row in rows], 4),
        f"{last['agrees']} {fmean(row['agreement'] for row in rows):.4f}",
        _of([row["layers"] for row in rows]),
        _of([row["products"] for row in rows]),
        _of([row["others"] for row in rows if "others" in row]) or "not counted",
        _seconds([row["seconds"] for row in rows]) + _wall([row["wall"] for row in rows if "wall" in row]),
    ]


def _seconds(rows: Sequence[Mapping[str, float]]) -> str:
    """The least of each part."""
    parts = ("capture", "quantize", "sensitivity")
    capture, quantize, sensitivity = (min(row.get(part, 0.0) for row in rows) for part in parts)
    return f"{capture:.1f} + {quantize:.1f}" + (f" ({sensitivity:.1f})" if sensitivity else "")


def _wall(rows: Sequence[Mapping[str, float]]) -> str:
    """The same by the clock on the wall, where rows have it."""
    return f"; wall, {rows[0]['threads']:.0f} threads: {_seconds(rows)}" if rows else ""


def _best(rows: Sequence[Row]) -> str:
    """Ours beside the best peers, seed by seed."""
    lines = [
        "## Ours beside the best peer",
        "",
        "The best is the peer with the least mean relative L2 among those with all layers in int8. Ratios are",
        "of relative L2 on the same samples, ours over the peer's: below 1 ours is closer to float.",
        "",
        "| model | ours, relative L2 | best peer | its relative L2 | ours over it, seed by seed |",
        "|---" * 5 + "|",
    ]
    for model, of_model in groupby(rows, lambda row: row["model"]):
        by_tool: dict[str, dict[int, Row]] = {}
        for row in of_model:
            by_tool.setdefault(row["tool"], {})[row["seed"]] = row
        best = _nearest(by_tool)
        if best is not None and OURS in by_tool:
            lines.append(f"| {' | '.join([model, *_beside(by_tool[OURS], best, by_tool[best])])} |")
    return "\n".join([*lines, ""])


def _nearest(by_tool: Mapping[str, Mapping[int, Row]]) -> str | None:
    """The peer with the least mean distance among those with all layers in int8."""
    distances = {
        tool: fmean(row["relative_l2"] for row in seeds.values())
        for tool, seeds in by_tool.items()
        if not tool.startswith(OURS) and all(_covers(row) for row in seeds.values())
    }
    return min(distances, key=lambda tool: distances[tool], default=None)


def _beside(ours: Mapping[int, Row], best: str, peer: Mapping[int, Row]) -> list[str]:
    ratios = [ours[seed]["relative_l2"] / peer[seed]["relative_l2"] for seed in sorted(ours.keys() & peer)]
    return [
        _spread([row["relative_l2"] for row in ours.values()], 4),
        best,
        _spread([row["relative_l2"] for row in peer.values()], 4),
        ", ".join(f"{ratio:.3f}" for ratio in ratios),
    ]


def _measured(rows: Sequence[Row]) -> str:
    """Seeds, machines, dates and versions, told apart where they differ."""
    lines = ["## Measured with", ""]
    for tool in dict.fromkeys(row["tool"] for row in rows):
        chosen = [row for row in rows if row["tool"] == tool]
        seeds = sorted({row["seed"] for row in chosen})
        said = dict.fromkeys(
            f"{', '.join(f'{name} {version}' for name, version in row['measured']['packages'].items())}; "
            f"{row['measured']['processor']}, {row['measured']['date']}"
            for row in chosen
        )
        lines.append(f"- {tool}: {'; '.join(said)}; seeds {', '.join(map(str, seeds))}")
    return "\n".join([*lines, ""])


def _covers(row: Row) -> bool:
    return "error" not in row and row["layers"][0] == row["layers"][1]


def _decibels(row: Row) -> float:
    return -20 * math.log10(row["relative_l2"])


def _spread(values: Sequence[float], digits: int) -> str:
    mean = f"{fmean(values):.{digits}f}"
    if len(values) == 1:
        return mean
    return f"{mean} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _of(counts: Sequence[Sequence[int]]) -> str:
    """`3 of 6`; several where seeds differ."""
    said = dict.fromkeys(f"{taken} of {total}" if total else "none there" for taken, total in counts)
    return ", ".join(said)

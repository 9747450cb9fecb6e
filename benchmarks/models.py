"""Every architecture of `tests/backends/torch/zoo`, from tracing to the deployed file, as a page of the reference.

    python benchmarks/models.py -o docs/reference/models.md --rows rows.jsonl

Needs the packages of `tox -e models`. Rows are kept in a file as they are made: a run goes on where one stopped.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from tests.backends.torch.zoo.catalogue import KNOWN_FAILURES, entries
from tests.backends.torch.zoo.measuring import Row, measure

HEAD = """# Models

<!-- Written by `tox -e models`; do not edit. -->

Architectures with random weights, in small configurations, from tracing to onnxruntime, with the default settings.
*own* is what tracing adds to torch.export's time; *simulated* is the relative L2 of the quantized model's results to
the float model's, *deployed* that of onnxruntime's to the simulation's, and *floor* that of float32 to float64.
*speed* is the float file's latency over the int8 file's, one thread, one sample. {about}

"""
COLUMNS = "model from layers weighted quantized tail trace export own simulated deployed floor speed".split()


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    done: dict[str, dict[str, Any]] = {}
    if options.rows.exists():
        lines = options.rows.read_text().splitlines()
        done = {row["name"]: row for row in map(json.loads, lines)}
    for entry in entries():
        if entry.name in done or (options.families and entry.family not in options.families):
            continue
        try:
            row = measure(entry).to_json()
        except Exception as error:  # noqa: BLE001 - the table says what failed, and the run goes on
            row = {"name": entry.name, "family": entry.family, "error": " ".join(str(error).split())[:160]}
        done[entry.name] = row
        with options.rows.open("a") as file:
            file.write(json.dumps(row) + "\n")
        print(row)
    if options.output:
        options.output.write_text(page(list(done.values()), options.about))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--rows", type=Path, default=Path("rows.jsonl"))
    parser.add_argument("--families", nargs="*", default=[])
    parser.add_argument("--about", default="", help="a sentence on the machine")
    return parser.parse_args()


def page(rows: Sequence[Mapping[str, Any]], about: str) -> str:
    """The table, then what failed with its reason, each in the order of the catalogue."""
    order = {entry.name: position for position, entry in enumerate(entries())}
    ranked = sorted(rows, key=lambda row: order[row["name"]])
    good = [Row(**row) for row in ranked if "error" not in row]
    bad = [row for row in ranked if "error" in row]
    head = f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    return HEAD.format(about=about) + head + "".join(map(_line, good)) + _failures(bad)


def _line(row: Row) -> str:
    speed = "" if row.latency_ratio is None else f"{row.latency_ratio:.1f}"
    floor = "" if math.isnan(row.floor) else f"{row.floor:.0e}"
    cells = [
        *(row.name, row.family, row.layers, row.weighted, row.quantized, row.tail),
        *(f"{row.trace_seconds:.1f}", f"{row.export_seconds:.1f}", f"{row.own_share:.0%}"),
        *(f"{row.simulated:.4f}", f"{row.deployed:.0e}", floor, speed),
    ]
    return f"| {' | '.join(map(str, cells))} |\n"


def _failures(rows: Iterable[Mapping[str, Any]]) -> str:
    lines = [
        f"| {row['name']} | {row['error']} | {KNOWN_FAILURES.get(row['name'], ('', 'not looked into'))[1]} |\n"
        for row in rows
    ]
    if not lines:
        return ""
    return "\n## What does not go all the way\n\n| model | error | why |\n|---|---|---|\n" + "".join(lines)


if __name__ == "__main__":
    main()

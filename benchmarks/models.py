"""Every architecture of `tests/backends/<backend>/zoo`, from tracing to the deployed file, as a reference page.

    python -m benchmarks.models                    measure what has no row yet, for every backend; write the page
    python -m benchmarks.models --backend torch    of one backend alone; the rows of the others stay as they are
    python -m benchmarks.models --again resnet18   these again; --failed what failed, --afresh everything

Needs the packages of `tox -e models`. Rows are kept in `benchmarks/results/models/<backend>.jsonl` as they are
made: a run goes on where one stopped.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import warnings
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

for _variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(_variable, "1")  # before a framework reads them

from clika_core.pipeline.environment import cpu_flags  # noqa: E402
from clika_core.quality.techniques import TECHNIQUES  # noqa: E402
from docs.generate import REFERENCE  # noqa: E402
from docs.generators.models import ROWS, page_text, rows_of  # noqa: E402
from tests.backends.zoo.entry import Entry, Zoo  # noqa: E402
from tests.backends.zoo.installed import zoo_names, zoo_of  # noqa: E402
from tests.backends.zoo.measuring import measure  # noqa: E402


def main() -> None:
    options = _options()
    warnings.simplefilter("ignore")
    for backend in options.backend:
        _measure_all(backend, zoo_of(backend), options)
    (REFERENCE / "models.md").write_text(page_text(), encoding="utf-8", newline="\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = zoo_names()
    parser.add_argument("--backend", nargs="*", choices=names, default=names)
    parser.add_argument("--families", nargs="*", default=[], help="none but these, such as timm")
    parser.add_argument("--again", nargs="*", default=[], metavar="NAME", help="measure these again")
    parser.add_argument("--failed", action="store_true", help="measure again what failed")
    parser.add_argument("--afresh", action="store_true", help="measure everything again")
    return parser.parse_args()


def _measure_all(backend: str, zoo: Zoo, options: argparse.Namespace) -> None:
    done = {} if options.afresh else {row["name"]: row for row in rows_of(backend)}
    kept = {name for name, row in done.items() if not (options.failed and "error" in row)}
    for entry in zoo.entries():
        chosen = not options.families or entry.family in options.families
        if chosen and (entry.name not in kept or entry.name in options.again):
            done[entry.name] = {**_row(zoo, entry), "measured": _about(zoo)}
            _write(ROWS / f"{backend}.jsonl", zoo, done)
            print(json.dumps(done[entry.name]), flush=True)


def _row(zoo: Zoo, entry: Entry) -> dict[str, Any]:
    try:
        return measure(zoo, entry).to_json()
    except Exception as error:  # noqa: BLE001 - the table says what failed, and the run goes on
        said = " ".join(str(error).split())[:240]
        why = zoo.known_failures.get(entry.name, ("", "not looked into"))[1]
        return {"name": entry.name, "family": entry.family, "error": said, "why": why}


def _about(zoo: Zoo) -> str:
    packages = [f"{name} {_version(name)}" for name in (*zoo.frameworks, "onnxruntime")]
    improved = ", ".join(name for name, technique in TECHNIQUES.items() if technique.is_default)
    when = f"{' '.join(cpu_flags()[-1:])}, {datetime.date.today():%-d %B %Y}"
    return f"{', '.join(packages)}; {improved}; {when}"


def _version(distribution: str) -> str:
    return metadata.version(distribution).partition("+")[0]


def _write(file: Path, zoo: Zoo, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """The rows in the order of the catalogue, without those of models that it has no longer."""
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = [rows[entry.name] for entry in zoo.entries() if entry.name in rows]
    file.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")


if __name__ == "__main__":
    main()

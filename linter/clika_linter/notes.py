"""Notes: which rules were left out, and what they lack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_linter.rule import Need
from clika_linter.running import FileResult

_SAID = (Need.GRAPH, Need.PLAN, Need.REPORT)  # a reference report is there only for those who ask for it
_HOW = {
    Need.GRAPH: "name it with --graph, under [[tool.clika.lint.models]], or in the file: # clika: graph=FILE",
    Need.REPORT: "name it with --report, under [[tool.clika.lint.models]], or in the file: # clika: report=FILE",
}
_MAX_FILES = 3


def notes(results: Sequence[FileResult]) -> Iterator[str]:
    """One note for everything that the same files lack."""
    lacking: dict[tuple[str, int, str], list[str]] = {}
    for result in results:
        for what, count, how in _lacks(result):
            lacking.setdefault((what, count, how), []).append(result.file)
    for (what, count, how), files in lacking.items():
        more = f" and {len(files) - _MAX_FILES} more" if len(files) > _MAX_FILES else ""
        rules = f"{count} rule{'s' * (count != 1)}"
        yield f"{', '.join(files[:_MAX_FILES])}{more}: {rules} left out for want of {what}; {how}"


def _lacks(result: FileResult) -> Iterator[tuple[str, int, str]]:
    """What a file lacks: a graph first, for without it the rest is no use."""
    counts = {need: len(result.left_out.get(need, ())) for need in _SAID}
    if result.target_error and counts[Need.PLAN]:
        yield "a target", counts[Need.PLAN], result.target_error
    elif counts[Need.GRAPH] or counts[Need.PLAN]:
        yield "a graph", sum(counts.values()), _HOW[Need.GRAPH]
        return
    if counts[Need.REPORT]:
        yield "a report of this graph", counts[Need.REPORT], _HOW[Need.REPORT]

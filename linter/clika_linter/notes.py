"""Notes: which rules were left out, and what they lack."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_linter.rule import Need
from clika_linter.running import FileResult

_SAID = {
    Need.GRAPH: "a graph",
    Need.PLAN: "a target",
    Need.REPORT: "a report of this graph",
}  # the others need no word
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
    """What a file lacks, how many rules that stopped, and what to do."""
    for need, what in _SAID.items():
        count = len(result.left_out.get(need, ()))
        if count:
            yield what, count, _HOW.get(need, result.target_error or "")

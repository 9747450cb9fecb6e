"""`Reported`: a finding as it leaves the linter, with lines and columns; the form of caches and JSON output."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from clika_core.diagnostics import Severity
from clika_core.settings.source import Source, Span
from clika_linter.finding import Edit, Finding, Fix, Safety

WORKPLACE = "<environment>"  # the file of findings about no file, such as a broken plugin


class Region(NamedTuple):
    """A place in a text: lines and columns count from 1, `end_column` is the first one after it.

    Where `start..end`, counted from 0, is empty, only the place near it is known.
    """

    line: int
    column: int
    end_line: int
    end_column: int
    start: int = 0
    end: int = 0

    @property
    def is_exact(self) -> bool:
        """Whether there are characters to underline."""
        return self.end > self.start


class Reported(NamedTuple):
    """One finding with everything a reader or another program needs. `graph` is the file it was made with."""

    file: str
    code: str
    name: str
    severity: Severity
    message: str
    region: Region | None = None
    nodes: tuple[str, ...] = ()
    help: str | None = None
    labels: tuple[tuple[Region, str], ...] = ()
    fix: Fix | None = None
    graph: str | None = None

    def sort_key(self) -> tuple[str, tuple[int, ...], str, str, tuple[str, ...]]:
        """By file, place, code; never by the order in which rules ran."""
        place = (self.region.line, self.region.column, self.region.end) if self.region else (0, 0, 0)
        return self.file, place, self.code, self.message, self.nodes

    def to_json(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "file": self.file,
            "code": self.code,
            "name": self.name,
            "severity": str(self.severity),
            "message": self.message,
            "region": _region_to_json(self.region),
            "nodes": list(self.nodes),
            "help": self.help,
            "related": [{"region": _region_to_json(region), "message": text} for region, text in self.labels],
            "fix": _fix_to_json(self.fix),
            "graph": self.graph,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Reported:
        """The finding that `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        fix = found["fix"]
        return cls(
            found["file"],
            found["code"],
            found["name"],
            Severity(found["severity"]),
            found["message"],
            _region_from_json(found["region"]),
            tuple(found["nodes"]),
            found["help"],
            tuple((_known(label["region"]), label["message"]) for label in found["related"]),
            None if fix is None else _fix_from_json(fix),
            found["graph"],
        )


def reported(
    finding: Finding, rule: tuple[str, str, Severity], source: Source, graph: str | None
) -> Reported:
    """`finding` of the rule with that code, name and severity, in the file `source`."""
    code, name, severity = rule
    place = finding.location
    region = region_of(source, finding.span) if finding.span else None
    if place is not None:
        region = Region(place.line, place.column, place.line, place.column)
    return Reported(
        place.file if place else source.file,
        code,
        name,
        Severity(finding.severity or severity),
        str(finding.message),
        region,
        tuple(map(str, finding.nodes)),
        finding.help,
        tuple((region_of(source, label.span), label.text) for label in finding.labels),
        finding.fix,
        graph,
    )


def region_of(source: Source, span: Span) -> Region:
    """Lines and columns of a span; empty for one that is not exact."""
    start = source.location(span)
    last = source.location(Span(max(span.start, span.end), span.end))
    if start is None or last is None:
        raise ValueError("a span has a place")
    if not span.is_exact:
        return Region(start.line, start.column, start.line, start.column)
    return Region(start.line, start.column, last.line, last.column, span.start, span.end)


def _region_to_json(region: Region | None) -> dict[str, int] | None:
    if region is None:
        return None
    places = {
        "line": region.line,
        "column": region.column,
        "end_line": region.end_line,
        "end_column": region.end_column,
    }
    return places | ({"start": region.start, "end": region.end} if region.is_exact else {})


def _region_from_json(found: Mapping[str, int] | None) -> Region | None:
    return None if found is None else Region(**found)


def _known(found: Mapping[str, int]) -> Region:
    return Region(**found)


def _fix_to_json(fix: Fix | None) -> dict[str, Any] | None:
    if fix is None:
        return None
    edits = [{"start": edit.start, "end": edit.end, "text": edit.text} for edit in fix.edits]
    return {"title": fix.title, "safety": str(fix.safety), "edits": edits}


def _fix_from_json(found: Mapping[str, Any]) -> Fix:
    edits = tuple(Edit(edit["start"], edit["end"], edit["text"]) for edit in found["edits"])
    return Fix(found["title"], edits, Safety(found["safety"]))

"""What a rule reports: `Finding`, and the `Fix` that mends it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from clika_core.diagnostics import Severity
from clika_core.errors import Location
from clika_core.settings.source import Span


class Safety(StrEnum):
    """Whether a fix may be applied without looking: `safe` ones never change what the user meant."""

    SAFE = "safe"
    UNSAFE = "unsafe"


class Edit(NamedTuple):
    """Put `text` in place of the characters `start..end` (`end` excluded) of the settings text."""

    start: int
    end: int
    text: str


class Fix(NamedTuple):
    """Edits that belong together, and what they do: `remove the rule`. Edits of one fix do not overlap."""

    title: str
    edits: tuple[Edit, ...]
    safety: Safety = Safety.SAFE


class Label(NamedTuple):
    """Another place in the settings text that belongs to a finding, and why: `first set here`."""

    span: Span
    text: str


class Finding(NamedTuple):
    """One thing a rule found.

    `span` is what to underline; None for the whole file. `nodes` are the graph nodes concerned; without any, the
    finding is about the whole file. `help` says what to do. `severity` where it differs from the rule's.
    `location` instead of `span` where the place is in another file, such as the graph.
    """

    message: str
    span: Span | None = None
    nodes: tuple[str, ...] = ()
    help: str | None = None
    fix: Fix | None = None
    severity: Severity | None = None
    labels: tuple[Label, ...] = ()
    location: Location | None = None

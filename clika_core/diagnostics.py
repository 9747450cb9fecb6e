"""Findings that are no exceptions: what the project has to say without stopping.

A `Diagnostic` is a value. Tracing, planning, plugins and the linter produce them; commands print them.
May import `clika_core.errors` alone.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from clika_core.errors import Location
from clika_core.frozen import frozen


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@frozen
class Diagnostic:
    """One finding: a stable kebab-case `code`, one sentence, where, which layers, and what to do.

    `code` names the kind of finding (`rule-without-effect`), so that a machine can filter by it.
    """

    code: str
    severity: Severity
    message: str
    location: Location | None = None
    related: tuple[str, ...] = ()
    help: str | None = None

    def __str__(self) -> str:
        """One line for a console."""
        where = f"{self.location}: " if self.location else ""
        return f"{where}{self.severity}[{self.code}]: {self.message}"

    def to_json(self) -> dict[str, Any]:
        """The form used by every JSON output."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "location": self.location.to_json() if self.location else None,
            "related": list(self.related),
            "help": self.help,
        }

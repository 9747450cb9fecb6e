"""`FailOn`: from which severity on findings make `clika lint` exit with 1."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from clika_core.diagnostics import Severity

_RANKS = MappingProxyType({Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2})


class FailOn(StrEnum):
    """The least bad severity that fails; `never` for none."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"
    NEVER = "never"

    def is_failure(self, severity: Severity) -> bool:
        """Whether a finding of that severity fails."""
        return self is not FailOn.NEVER and _RANKS[severity] <= _RANKS[Severity(self.value)]

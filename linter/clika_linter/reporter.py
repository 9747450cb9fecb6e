"""`ReporterEntry`: a form of the linter's output; and what every form is made from, a `LintResult`."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from clika_core.diagnostics import Severity
from clika_core.errors import PluginError
from clika_linter.entry import RuleEntry
from clika_linter.reported import Reported


class BaselineResult(NamedTuple):
    """What a baseline did: findings it knew, and what stands in it although it is fixed."""

    file: str
    known: int = 0
    fixed: tuple[str, ...] = ()


class LintResult(NamedTuple):
    """One run. `findings` are sorted; `texts` holds the files they are in, as far as they can be shown.

    `entries` are all rules there are. `notes` say what was left out. `num_fixed` fixes were applied. `is_coloured`:
    the output goes to a terminal that shows colours.
    """

    files: tuple[str, ...]
    findings: tuple[Reported, ...]
    entries: tuple[RuleEntry, ...] = ()
    texts: Mapping[str, str] = MappingProxyType({})
    notes: tuple[str, ...] = ()
    num_suppressed: int = 0
    num_fixed: int = 0
    baseline: BaselineResult | None = None
    is_coloured: bool = False

    def num_of(self, severity: Severity) -> int:
        """How many findings are of that severity."""
        return sum(finding.severity is severity for finding in self.findings)


Render: TypeAlias = "Callable[[LintResult], str]"
"""From a result to the whole output."""


class ReporterEntry(NamedTuple):
    """What plugins return from `clika_register_reporters`; `home` is `package.module:function`, a `Render`."""

    name: str
    description: str
    home: str

    def load(self) -> Render:
        """Import the function. Raises PluginError where `home` holds none."""
        module, _, name = self.home.partition(":")
        found: object = getattr(importlib.import_module(module), name, None)
        if not callable(found):
            raise PluginError(f"the output form {self.name!r} has no function at {self.home!r}")
        return found

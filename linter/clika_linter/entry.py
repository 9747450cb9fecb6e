"""`RuleEntry`: what is known of a rule before its module is imported."""

from __future__ import annotations

import importlib
from typing import NamedTuple

from clika_core.diagnostics import Severity
from clika_core.errors import PluginError
from clika_linter.finding import Safety
from clika_linter.rule import Need, Rule


class RuleEntry(NamedTuple):
    """What plugins return from `clika_register_lint_rules`; `home` is `package.module:Class`.

    The other fields repeat those of the class, so that a rule that is not selected, or lacks what it needs, is
    never imported. `clika_linter.testing.check_rule` compares them.
    """

    code: str
    name: str
    severity: Severity
    needs: tuple[Need, ...]
    home: str
    fix: Safety | None = None
    silences: tuple[str, ...] = ()
    holds_for_every_graph: bool = False
    is_made_by_engine: bool = False

    @classmethod
    def of(cls, rule: type[Rule]) -> RuleEntry:
        """The entry of a rule whose module is imported already."""
        return cls(
            rule.code,
            rule.name,
            rule.severity,
            rule.needs,
            f"{rule.__module__}:{rule.__qualname__}",
            rule.fix,
            rule.silences,
            rule.holds_for_every_graph,
            rule.is_made_by_engine,
        )

    def load(self) -> type[Rule]:
        """Import the rule. Raises PluginError where `home` holds no rule."""
        module, _, name = self.home.partition(":")
        found = getattr(importlib.import_module(module), name, None)
        if not (isinstance(found, type) and issubclass(found, Rule)):
            raise PluginError(f"lint rule {self.code} has no class at {self.home!r}", found=repr(found))
        return found

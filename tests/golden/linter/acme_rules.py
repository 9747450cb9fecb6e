"""A plugin with a rule that crashes, which the test of this folder registers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import pluggy

from clika_core.diagnostics import Severity
from clika_linter.context import Context
from clika_linter.entry import RuleEntry
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule


class UnluckyNumber(Rule):
    """A setting is 13."""

    code = "ACME013"
    name = "unlucky-number"
    severity = Severity.INFO
    needs: ClassVar[tuple[Need, ...]] = (Need.LAYER_RULES, Need.REPORT)
    VALID = INVALID = ()

    def check(self, context: Context) -> Iterator[Finding]:
        """Fail, as an unfinished rule does."""
        raise NotImplementedError("not written yet")


@pluggy.HookimplMarker("clika")
def clika_register_lint_rules() -> Sequence[RuleEntry]:
    """The crashing rule."""
    return [RuleEntry.of(UnluckyNumber)]

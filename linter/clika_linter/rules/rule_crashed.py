"""CLK902."""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.diagnostics import Severity
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule


class RuleCrashed(Rule):
    """A rule failed with an exception.

    ## What it does
    Reports a rule, built-in or of a plugin, that raised instead of answering. All other rules went on.

    ## Why is this bad?
    What the rule would have found is not known. Nothing is wrong with the settings themselves.

    ## Example
    ```text
    error[CLK902] rule ACME001 (acme-rule) crashed: KeyError: 'conv_1'
    ```

    ## Use instead
    Report it to the authors named in the help line; until it is mended, `clika lint --ignore ACME001`.
    """

    code = "CLK902"
    name = "rule-crashed"
    severity = Severity.ERROR
    needs = (Need.DOCUMENT,)
    is_made_by_engine = True
    VALID = ()
    INVALID = ()

    def check(self, context: Context) -> Iterable[Finding]:
        """Nothing: `clika_linter.engine` knows what crashed."""
        return ()

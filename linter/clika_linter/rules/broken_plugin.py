"""CLK903."""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.diagnostics import Severity
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule


class BrokenPlugin(Rule):
    """An installed plugin cannot be used.

    ## What it does
    Reports a plugin that cannot be imported, whose hooks have wrong names or fail, or that registers a lint
    rule or output form that cannot be taken: no code of its own, or one that another plugin has.

    ## Why is this bad?
    The rules, targets and backends of that plugin are missing, so that the answers may be other ones.

    ## Example
    ```text
    warning[CLK903] plugin 'acme' of acme-clika could not be loaded: ImportError: no module named 'acme_core'
    ```

    ## Use instead
    Install a release of the plugin that works, or leave it out: `CLIKA_DISABLE_PLUGINS=acme`.
    """

    code = "CLK903"
    name = "broken-plugin"
    severity = Severity.WARNING
    needs = (Need.DOCUMENT,)
    is_made_by_engine = True
    VALID = ()
    INVALID = ()

    def check(self, context: Context) -> Iterable[Finding]:
        """Nothing: `clika_linter.registry` knows which plugins are broken."""
        return ()

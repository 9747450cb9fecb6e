"""CLK901."""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.diagnostics import Severity
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding, Safety
from clika_linter.rule import Need, Rule


class UnusedSuppression(Rule):
    """A suppression comment suppresses nothing.

    ## What it does
    Reports `# clika: ignore[...]` and `# clika: ignore-file[...]` comments for rules that ran and found nothing
    there, for rules that do not exist, and comments without any code. With `require-reason`, also comments that
    give no reason: these do not work.

    ## Why is this bad?
    The comment says that something is wrong and accepted. When that is not so any more, it hides the
    next finding of that kind.

    ## Example
    ```yaml
    layer_settings:
      conv_1: # clika: ignore[CLK204] needed by the older model
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      conv_1:
        quantization_settings: {skip_quantization: true}
    ```

    ## Fix safety
    Safe: only the comment is removed.
    """

    code = "CLK901"
    name = "unused-suppression"
    severity = Severity.WARNING
    needs = (Need.DOCUMENT,)
    fix = Safety.SAFE
    is_made_by_engine = True

    VALID = (
        Valid(
            settings="layer_settings:\n  linear_1: # clika: ignore[CLK204] explicit\n"
            "    quantization_settings: {skip_quantization: true}\n",
            graph=classifier,
        ),
        Valid(
            settings="# clika: ignore-file[redundant-skip] explicit\nlayer_settings:\n"
            "  linear_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            about="a rule may be called by its name",
        ),
        Valid(
            settings="layer_settings:\n  conv_1: # clika: ignore[CLK204] explicit\n"
            "    quantization_settings: {skip_quantization: true}\n",
            about="without a graph nobody knows",
        ),
        Valid(
            settings='layer_settings:\n  "# clika: ignore[CLK204]": {}\n',
            about="text is no comment",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  conv_1: # clika: ignore[«CLK204»] explicit\n"
            "    quantization_settings: {skip_quantization: true}\n",
            graph=classifier,
            messages=("CLK204 suppresses nothing",),
            fixed="layer_settings:\n  conv_1:\n    quantization_settings: {skip_quantization: true}\n",
        ),
        Invalid(
            settings="# clika: ignore-file[CLK001, «CLK999»] old\ntraining_settings: {num_epochs: 3,}}\n",
            messages=("no rule is called CLK999",),
            fixed="# clika: ignore-file[CLK001] old\ntraining_settings: {num_epochs: 3,}}\n",
        ),
        Invalid(
            settings="training_settings:\n  «# clika: ignore»\n  num_epochs: 3\n",
            messages=("this suppression names no rule, so it suppresses nothing",),
        ),
        Invalid(
            settings="training_settings:\n  # clika: ignore[«CLK001»] on a line of its own\n  num_epochs: 3\n",
            messages=("CLK001 suppresses nothing",),
            fixed="training_settings:\n  num_epochs: 3\n",
        ),
    )

    def check(self, context: Context) -> Iterable[Finding]:
        """Nothing: `clika_linter.suppressing` knows what was suppressed."""
        return ()

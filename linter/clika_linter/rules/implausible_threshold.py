"""CLK309."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from clika_core.diagnostics import Severity
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.option import Option
from clika_linter.rule import Need, Rule

_SECTION: Final = "global_quantization_settings"
_KEY: Final = "quantization_sensitivity_threshold"
_MEASURE: Final = "quantization_sensitivity_measure"
_OF_OLDER_FILES: Final = 100.0  # from here on a threshold looks like one of absolute errors


class ImplausibleThreshold(Rule):
    """A sensitivity threshold that every layer exceeds, or none.

    ## What it does
    Reports a `quantization_sensitivity_threshold` above `max-threshold`, 10 by default, or below `min-threshold`,
    1e-6 by default, where it is compared with the relative QS and in use.

    ## Why is this bad?
    QS is a relative error: 0.01 is good, 1 means that nothing of the signal is left. A threshold of 5000 keeps no
    layer float, and one of 0 every layer. In older files such thresholds were of the absolute error.

    ## Example
    ```yaml
    global_quantization_settings:
      quantization_sensitivity_threshold: 5000
    ```

    ## Use instead
    ```yaml
    global_quantization_settings:
      quantization_sensitivity_threshold: 5000
      quantization_sensitivity_measure: absolute
    ```

    ## Fix safety
    Unsafe: layers above the threshold become float, and whether the number was meant like this is not known. There
    is a fix from 100 on.
    """

    code = "CLK309"
    name = "implausible-threshold"
    severity = Severity.WARNING
    needs = (Need.SETTINGS,)
    fix = Safety.UNSAFE

    max_threshold = Option(Number(minimum=0), 10.0, "Threshold above which no layer is expected.")
    min_threshold = Option(Number(minimum=0), 1e-6, "Threshold that every layer is expected to exceed.")

    VALID = (
        Valid(settings=""),
        Valid(settings=f"{_SECTION}: {{{_KEY}: 0.1}}\n"),
        Valid(settings=f"{_SECTION}: {{{_KEY}: 5000, {_MEASURE}: absolute}}\n"),
        Valid(settings=f"{_SECTION}: {{{_KEY}: null}}\n"),
        Valid(
            settings=f"{_SECTION}: {{{_KEY}: 5000, automatic_skip_quantization: false}}\n",
            about="the threshold is not in use",
        ),
        Valid(settings=f'{{"{_SECTION}": {{"{_KEY}": 50}}}}', syntax="json", options={"max-threshold": 100}),
    )
    INVALID = (
        Invalid(
            settings=f"{_SECTION}:\n  {_KEY}: «5000» # as before\n",
            messages=("no layer reaches a sensitivity threshold of 5000: QS is a relative error",),
            fixed=f"{_SECTION}:\n  {_KEY}: 5000 # as before\n  {_MEASURE}: absolute\n",
        ),
        Invalid(
            settings=f"{_SECTION}: {{{_MEASURE}: relative, {_KEY}: «1e4»}}\n",
            messages=("no layer reaches a sensitivity threshold of 10000",),
            fixed=f"{_SECTION}: {{{_MEASURE}: absolute, {_KEY}: 1e4}}\n",
        ),
        Invalid(
            settings=f'{{"{_SECTION}": {{"{_KEY}": «20»}}}}\n',
            syntax="json",
            messages=("no layer reaches a sensitivity threshold of 20",),
            fixed=f'{{"{_SECTION}": {{"{_KEY}": 20}}}}\n',
            about="too small for an older file, so no fix",
        ),
        Invalid(
            settings=f"{_SECTION}:\n  {_KEY}: «0»\n",
            messages=("every layer exceeds a sensitivity threshold of 0",),
        ),
        Invalid(
            settings=f"[{_SECTION}]\n{_KEY} = 1e-9\n",
            syntax="toml",
            messages=("every layer exceeds a sensitivity threshold of 1e-09",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the threshold with both limits."""
        given = context.settings.global_quantization_settings
        threshold = given.quantization_sensitivity_threshold
        is_used = given.automatic_skip_quantization and given.quantization_sensitivity_measure == "relative"
        if threshold is None or not is_used or self.min_threshold <= threshold <= self.max_threshold:
            return
        span = context.places.value_span(_SECTION, _KEY)
        if threshold < self.min_threshold:
            words = f"every layer exceeds a sensitivity threshold of {threshold:g}"
            yield Finding(words, span, help="raise it: 0.1 is a tenth of the signal")
            return
        yield Finding(
            f"no layer reaches a sensitivity threshold of {threshold:g}: QS is a relative error",
            span,
            help=f"lower it: 0.1 is a tenth of the signal; or set {_MEASURE}: absolute",
            fix=_fix(context) if threshold >= _OF_OLDER_FILES else None,
        )


def _fix(context: Context) -> Fix | None:
    edits = context.editor.set_key(_SECTION, _MEASURE, "absolute")
    return Fix("compare it with the absolute error", edits, Safety.UNSAFE) if edits else None

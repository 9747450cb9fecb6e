"""CLK502."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.training import TRAINING


class NoCalibrationSteps(Rule):
    """Calibration is asked to look at no data.

    ## What it does
    Reports `stats_steps: 0`.

    ## Why is this bad?
    The ranges of all activations are measured in these steps. Without one, there is nothing to quantize
    activations by, and compression stops with an error.

    ## Example
    ```yaml
    training_settings: {stats_steps: 0}
    ```

    ## Use instead
    ```yaml
    training_settings: {stats_steps: 20}
    ```
    """

    code = "CLK502"
    name = "no-calibration-steps"
    severity = Severity.ERROR
    needs = (Need.SETTINGS,)
    silences = ("CLK504",)

    VALID = (
        Valid(settings="", about="20 steps by default"),
        Valid(settings="training_settings: {stats_steps: 1}\n"),
        Valid(settings="training_settings: {num_epochs: 0}\n"),
        Valid(settings="training_settings: {stats_steps: -1}\n", about="CLK003 reports it"),
    )
    INVALID = (
        Invalid(
            settings="training_settings:\n  stats_steps: «0» # for now\n  num_epochs: 3\n",
            messages=("calibration is to take no step",),
        ),
        Invalid(
            settings='{"training_settings": {"stats_steps": «0»}}\n',
            syntax="json",
            messages=("calibration is to take no step",),
        ),
        Invalid(
            settings="global_quantization_settings: {method: ptq}\ntraining_settings: {stats_steps: «0»}\n",
            messages=("calibration is to take no step",),
        ),
        Invalid(
            settings="[training_settings]\nstats_steps = 0\n",
            syntax="toml",
            messages=("calibration is to take no step",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at the one number."""
        if context.settings.training_settings.stats_steps == 0:
            yield Finding(
                "calibration is to take no step, so the ranges of activations stay unknown",
                context.places.value_span(TRAINING, "stats_steps"),
                help="set stats_steps to at least 1: 20 is the default",
            )

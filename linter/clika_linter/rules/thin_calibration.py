"""CLK504."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.value_types import Integer
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding
from clika_linter.option import Option
from clika_linter.rule import Need, Rule
from clika_linter.training import TRAINING


class ThinCalibration(Rule):
    """Calibration saw few samples.

    ## What it does
    Reports that the report counts fewer than `min-samples` calibration samples, 100 by default.

    ## Why is this bad?
    Ranges follow from what calibration saw. What it did not see is clipped, and with few samples that is a lot;
    the measured sensitivities cannot show it, because they come from the same samples.

    ## Example
    The report says `"calibration": {"batches": 20, "samples": 40}`.

    ## Use instead
    Larger batches, or more of them:

    ```yaml
    training_settings:
      stats_steps: 100
    ```
    """

    code = "CLK504"
    name = "thin-calibration"
    severity = Severity.WARNING
    needs = (Need.REPORT,)

    min_samples = Option(Integer(minimum=0), 100, "Calibration samples from which nothing is reported.")

    VALID = (
        Valid(settings="", graph=classifier, report={"calibration": {"batches": 20, "samples": 320}}),
        Valid(settings="", graph=classifier, report={"calibration": {"batches": 1, "samples": 100}}),
        Valid(settings="", graph=classifier, report={}, about="the report does not count them"),
        Valid(
            settings="training_settings: {stats_steps: 2}\n",
            graph=classifier,
            report={"calibration": {"batches": 2, "samples": 16}},
            options={"min-samples": 16},
        ),
    )
    INVALID = (
        Invalid(
            settings="training_settings: {stats_steps: «2»}\n",
            graph=classifier,
            report={"calibration": {"batches": 2, "samples": 16}},
            messages=("calibration saw only 16 samples in 2 batches, fewer than 100",),
            nodes=((),),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report={"calibration": {"batches": 20, "samples": 99}},
            messages=("calibration saw only 99 samples in 20 batches, fewer than 100",),
        ),
        Invalid(
            settings='{"training_settings": {"stats_steps": «10»}}\n',
            syntax="json",
            graph=classifier,
            report={"calibration": {"batches": 10, "samples": 320}},
            options={"min-samples": 1000},
            messages=("calibration saw only 320 samples in 10 batches, fewer than 1000",),
        ),
        Invalid(
            settings="[training_settings]\nnum_epochs = 3\n",
            syntax="toml",
            graph=classifier,
            report={"calibration": {"samples": 1}},
            messages=("calibration saw only 1 sample, fewer than 100",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the count with the least."""
        samples, batches = context.report.calibration_samples, context.report.calibration_batches
        if samples is None or samples >= self.min_samples:
            return
        found = f"{samples} sample{'' if samples == 1 else 's'}"
        if batches is not None:
            found += f" in {batches} batch{'' if batches == 1 else 'es'}"
        yield Finding(
            f"calibration saw only {found}, fewer than {self.min_samples}",
            context.places.value_span(TRAINING, "stats_steps"),
            help="give larger batches, or raise stats_steps",
        )

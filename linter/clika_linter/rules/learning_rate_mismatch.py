"""CLK501."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding, Label
from clika_linter.option import Option
from clika_linter.rule import Need, Rule
from clika_linter.training import TRAINING, fine_tunes


class LearningRateMismatch(Rule):
    """Fine-tuning does not go on with the learning rate that training ended with.

    ## What it does
    Compares `learning_rate`, or where it is null the one that the report says was used, with
    `original_last_learning_rate`. Reports a relative difference above `tolerance`, 0.01 by default. Silent where one
    of the two is not known, and where nothing is trained.

    ## Why is this bad?
    A larger learning rate than the last one of the original training throws away what the model has learned; a
    smaller one takes longer than needed to make up for quantization.

    ## Example
    ```yaml
    training_settings:
      learning_rate: 0.01
      original_last_learning_rate: 0.0001
    ```

    ## Use instead
    ```yaml
    training_settings:
      learning_rate: 0.0001
      original_last_learning_rate: 0.0001
    ```
    """

    code = "CLK501"
    name = "learning-rate-mismatch"
    severity = Severity.WARNING
    needs = (Need.SETTINGS,)

    tolerance = Option(Number(minimum=0), 0.01, "Relative difference up to which nothing is reported.")

    VALID = (
        Valid(settings="training_settings: {learning_rate: 0.01}\n", about="the original one is not known"),
        Valid(settings="training_settings: {original_last_learning_rate: 0.01}\n"),
        Valid(settings="training_settings: {learning_rate: 1e-4, original_last_learning_rate: 0.0001}\n"),
        Valid(
            settings="global_quantization_settings: {method: ptq}\n"
            "training_settings: {learning_rate: 0.1, original_last_learning_rate: 0.0001}\n",
            about="nothing is trained",
        ),
        Valid(
            settings="training_settings: {learning_rate: 2e-4, original_last_learning_rate: 1e-4}\n",
            options={"tolerance": 1},
        ),
        Valid(
            settings="training_settings: {original_last_learning_rate: 0.01}\n",
            graph=classifier,
            report={"learning_rate": 0.01},
        ),
    )
    INVALID = (
        Invalid(
            settings="training_settings:\n  learning_rate: «0.01»\n  original_last_learning_rate: 0.0001\n",
            messages=("the learning rate is 0.01, 100 times the last one of the original training, 0.0001",),
        ),
        Invalid(
            settings='{"training_settings": {"original_last_learning_rate": 0.01, "learning_rate": «1e-4»}}\n',
            syntax="json",
            messages=("the learning rate is 0.0001, 0.01 times the last one of the original training, 0.01",),
        ),
        Invalid(
            settings="[training_settings]\nlearning_rate = 0.2\noriginal_last_learning_rate = 0.1\n",
            syntax="toml",
            messages=("the learning rate is 0.2, 2 times the last one of the original training, 0.1",),
        ),
        Invalid(
            settings="training_settings: {original_last_learning_rate: «0.01»}\n",
            graph=classifier,
            report={"learning_rate": 0.03},
            messages=(
                "the learning rate of the report is 0.03, 3 times the last one of the original training",
            ),
        ),
        Invalid(
            settings="training_settings: {learning_rate: «0.02», original_last_learning_rate: 0.01}\n",
            graph=classifier,
            report={"learning_rate": 0.01},
            messages=("the learning rate is 0.02",),
            about="the report is older than the file",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the two, where both are known."""
        given = context.settings.training_settings
        original = given.original_last_learning_rate
        reported = context.report.learning_rate if context.has_report else None
        rate = reported if given.learning_rate is None else given.learning_rate
        if rate is None or original is None or not fine_tunes(context.settings):
            return
        if abs(rate - original) <= self.tolerance * original:
            return
        own = (
            context.places.value_span(TRAINING, "learning_rate") if given.learning_rate is not None else None
        )
        other = context.places.value_span(TRAINING, "original_last_learning_rate")
        yield Finding(
            f"the learning rate{' of the report' if given.learning_rate is None else ''} is {rate:g}, "
            f"{rate / original:.3g} times the last one of the original training, {original:g}",
            own or other,
            help=f"go on with {original:g}",
            labels=(Label(other, "the last one of the original training"),) if own and other else (),
        )

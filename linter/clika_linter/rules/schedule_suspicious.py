"""CLK503."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.sections import TrainingSettings
from clika_core.settings.source import Span
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.training import TRAINING, fine_tunes


class ScheduleSuspicious(Rule):
    """A part of the training schedule is never reached.

    ## What it does
    Reports a warm-up of the learning rate that is longer than training, or fills all of it; a `save_interval` of
    more epochs than there are; and an evaluation that never takes place, because there is no epoch to evaluate
    after and the first evaluation is turned off. Silent where nothing is trained.

    ## Why is this bad?
    Training ends before it has reached its learning rate, or nothing is saved or measured on the way: found out
    after hours.

    ## Example
    ```yaml
    training_settings:
      num_epochs: 3
      lr_warmup_epochs: 5
    ```

    ## Use instead
    ```yaml
    training_settings:
      num_epochs: 3
      lr_warmup_epochs: 1
    ```
    """

    code = "CLK503"
    name = "schedule-suspicious"
    severity = Severity.WARNING
    needs = (Need.SETTINGS,)

    VALID = (
        Valid(settings=""),
        Valid(settings="training_settings: {num_epochs: 1}\n", about="the steps of its epoch are not known"),
        Valid(settings="training_settings: {num_epochs: 3, steps_per_epoch: 100}\n"),
        Valid(
            settings="training_settings: {num_epochs: 1, steps_per_epoch: 100, lr_warmup_steps_per_epoch: 50}\n"
        ),
        Valid(settings="training_settings: {num_epochs: 1, steps_per_epoch: 100, lr_warmup_epochs: 0}\n"),
        Valid(settings="training_settings: {num_epochs: 10, save_interval: 10}\n"),
        Valid(settings="training_settings: {num_epochs: 0, save_interval: 5, lr_warmup_epochs: 3}\n"),
        Valid(
            settings="global_quantization_settings: {method: ptq}\n"
            "training_settings: {num_epochs: 2, lr_warmup_epochs: 5, save_interval: 20}\n",
            about="nothing is trained",
        ),
    )
    INVALID = (
        Invalid(
            settings="training_settings:\n  num_epochs: 3\n  lr_warmup_epochs: «5»\n",
            messages=("the learning rate warms up for 5 epochs, but training ends after 3",),
        ),
        Invalid(
            settings="training_settings: {num_epochs: 1, steps_per_epoch: «100»}\n",
            messages=("all of training is warm-up: 1 epoch of 100 steps, of which 500 warm up",),
        ),
        Invalid(
            settings='{"training_settings": {"num_epochs": 5, "save_interval": «20»}}\n',
            syntax="json",
            messages=("states are saved every 20 epochs, but training ends after 5",),
        ),
        Invalid(
            settings="training_settings:\n  save_interval: «11»\n  lr_warmup_epochs: «12»\n",
            messages=(
                "states are saved every 11 epochs, but training ends after 10",
                "the learning rate warms up for 12 epochs, but training ends after 10",
            ),
        ),
        Invalid(
            settings="training_settings: {num_epochs: 0, skip_initial_eval: «true»}\n",
            messages=("nothing is ever evaluated: there is no epoch, and the first evaluation is skipped",),
        ),
        Invalid(
            settings="[training_settings]\nnum_epochs = 2\nlr_warmup_epochs = 3\n",
            syntax="toml",
            messages=("the learning rate warms up for 3 epochs, but training ends after 2",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the parts of the schedule with its length."""
        training = context.settings.training_settings
        epochs = training.num_epochs
        if (
            epochs == 0
            and training.skip_initial_eval
            and context.settings.global_quantization_settings.method != "ptq"
        ):
            words = "nothing is ever evaluated: there is no epoch, and the first evaluation is skipped"
            yield Finding(words, _span(context, "skip_initial_eval"), help="set skip_initial_eval to false")
        if not fine_tunes(context.settings):
            return
        if training.lr_warmup_epochs > epochs:
            words = f"the learning rate warms up for {training.lr_warmup_epochs} epochs"
            place = _span(context, "lr_warmup_epochs", "num_epochs")
            yield Finding(f"{words}, but training ends after {epochs}", place, help="lower lr_warmup_epochs")
        elif _is_all_warmup(training):
            words = f"{epochs} epoch{'s' if epochs > 1 else ''} of {training.steps_per_epoch} steps"
            yield Finding(
                f"all of training is warm-up: {words}, of which {training.lr_warmup_steps_per_epoch} warm up",
                _span(context, "lr_warmup_steps_per_epoch", "steps_per_epoch"),
                help="lower lr_warmup_steps_per_epoch, or set lr_warmup_epochs to 0",
            )
        if training.save_interval is not None and training.save_interval > epochs:
            words = (
                f"states are saved every {training.save_interval} epochs, but training ends after {epochs}"
            )
            yield Finding(
                words, _span(context, "save_interval"), help=f"set save_interval to at most {epochs}"
            )


def _is_all_warmup(training: TrainingSettings) -> bool:
    steps = training.steps_per_epoch
    is_whole_epoch = steps is not None and training.lr_warmup_steps_per_epoch >= steps
    return is_whole_epoch and training.lr_warmup_epochs >= training.num_epochs


def _span(context: Context, *keys: str) -> Span | None:
    """The value of the first of these keys that the file sets."""
    found = (context.places.value_span(TRAINING, key) for key in keys)
    return next((span for span in found if span is not None), None)

"""CLK006."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.document import Entry, ScalarNode
from clika_core.settings.problems import Problem, ProblemKind
from clika_core.settings.renamed import RENAMED, Successor
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Edit, Finding, Fix, Safety
from clika_linter.places import Places, entries_of
from clika_linter.rule import Need, Rule
from clika_linter.wording import finding_of


class DeprecatedSetting(Rule):
    """A key has a new name.

    ## What it does
    Reports keys of older releases whose successor is known. The file still counts as if it said the new name.
    What is known are the names that the product's public examples of 2023 use; they stand, with their
    successors, in `clika_core.settings.renamed`. Other keys of that time are unknown settings (CLK002).

    ## Why is this bad?
    Readers look the key up and do not find it, and a later release may refuse it.

    ## Example
    ```yaml
    training_settings:
      mixed_precision: true
    ```

    ## Use instead
    ```yaml
    training_settings:
      amp_dtype: float16
    ```

    ## Fix safety
    Safe: the file stands for the same settings as before.
    """

    code = "CLK006"
    name = "deprecated-setting"
    severity = Severity.WARNING
    needs = (Need.SETTINGS,)
    fix = Safety.SAFE

    VALID = (
        Valid(settings="training_settings: {amp_dtype: float16, clip_grad_norm_val: 1.0}\n"),
        Valid(settings="deployment_settings: {mixed_precision: true}\n", about="never was a key there"),
        Valid(settings='{"training_settings": {"grads_acc_steps": 2}}', syntax="json"),
        Valid(
            settings="training_settings: {clip_grad_norm: 1.0, clip_grad_norm_val: 2.0}\n",
            about="both names together are an invalid value",
        ),
    )
    INVALID = (
        Invalid(
            settings="training_settings:\n  «mixed_precision»: true # saves memory\n",
            messages=("training_settings.mixed_precision is called amp_dtype now",),
            fixed="training_settings:\n  amp_dtype: float16 # saves memory\n",
        ),
        Invalid(
            settings="training_settings: {num_epochs: 3, «grads_accumulation_steps»: 4, «use_fp16_weights»: false}\n",
            messages=(
                "training_settings.grads_accumulation_steps is called grads_acc_steps now",
                "training_settings.use_fp16_weights is called weights_dtype now",
            ),
            fixed="training_settings: {num_epochs: 3, grads_acc_steps: 4, weights_dtype: null}\n",
        ),
        Invalid(
            settings='{"training_settings": {\n  «"mixed_precision"»: true,\n  «"clip_grad_norm"»: 1.5\n}}\n',
            syntax="json",
            messages=(
                "training_settings.mixed_precision is called amp_dtype now",
                "training_settings.clip_grad_norm is called clip_grad_norm_val now",
            ),
            fixed='{"training_settings": {\n  "amp_dtype": "float16",\n  "clip_grad_norm_val": 1.5\n}}\n',
        ),
        Invalid(
            settings="[training_settings]\n«print_num_steps_averaging» = 10\n",
            syntax="toml",
            messages=("training_settings.print_num_steps_averaging is called print_ma_window_size now",),
            fixed="[training_settings]\nprint_ma_window_size = 10\n",
        ),
        Invalid(
            settings="[training_settings]\n«mixed_precision» = true\n",
            syntax="toml",
            messages=("training_settings.mixed_precision is called amp_dtype now",),
            fixed="[training_settings]\nmixed_precision = true\n",
            about="the place of a TOML value is not known, so it cannot be exchanged",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Pass on what reading the file found, and offer the new name with the value it needs."""
        for problem in context.problems:
            if problem.kind is ProblemKind.DEPRECATED_SETTING:
                edits = _edits(context, problem)
                yield finding_of(problem, Fix(str(problem.fix), edits) if edits else None)


def _edits(context: Context, problem: Problem) -> tuple[Edit, ...] | None:
    """The new name in place of the old one, and the new value where it is another."""
    found = _entry_of(context.places, problem)
    if found is None:
        return None
    entry, successor = found
    edits = context.editor.replace_name(entry.key_span, successor.key)
    if not successor.values or not isinstance(entry.value, ScalarNode):
        return edits
    value = context.editor.replace_value(entry, successor.value_of(entry.value.value))
    return (*edits, *value) if edits and value else None


def _entry_of(places: Places, problem: Problem) -> tuple[Entry, Successor] | None:
    """The entry that a problem is about, with what it is called now."""
    for section, known in RENAMED.items():
        entries = entries_of(places.root[section].value) if section in places.root else {}
        for key in known.keys() & entries.keys():
            if problem.span is not None and entries[key].key_span == problem.span:
                return entries[key], known[key]
    return None

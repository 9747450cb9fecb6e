"""CLK004."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.problems import ProblemKind
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding, Label
from clika_linter.rule import Need, Rule
from clika_linter.wording import finding_of


class DuplicateKey(Rule):
    """A key stands twice in one mapping.

    ## What it does
    Reports the second of two equal keys, also of two rules with the same selector, and shows the first.

    ## Why is this bad?
    Readers of YAML and JSON keep the last one and say nothing, so the first is lost: half of a rule, or a
    whole section of rules.

    ## Example
    ```yaml
    layer_settings:
      conv_1: {quantization_settings: {skip_quantization: true}}
      conv_1: {quantization_settings: {weights_num_bits: 8}}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      conv_1: {quantization_settings: {skip_quantization: true, weights_num_bits: 8}}
    ```
    """

    code = "CLK004"
    name = "duplicate-key"
    severity = Severity.ERROR
    needs = (Need.DOCUMENT,)

    VALID = (
        Valid(settings="training_settings: {num_epochs: 3}\ndeployment_settings:\n"),
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {weights_num_bits: 8}}\n"
            "  conv_2: {quantization_settings: {weights_num_bits: 8}}\n"
        ),
        Valid(
            settings="layer_settings:\n  a: {quantization_settings: &a {weights_num_bits: 4}}\n"
            "  b: {quantization_settings: {<<: *a, weights_num_bits: 8}}\n",
            about="a key beside a merge key takes its place",
        ),
        Valid(
            settings="layer_settings:\n  1.10: {quantization_settings: {}}\n"
            "  1.1: {quantization_settings: {}}\n",
            about="keys are their characters",
        ),
    )
    INVALID = (
        Invalid(
            settings="training_settings:\n  num_epochs: 3\n  «num_epochs»: 4\n",
            messages=("the key 'num_epochs' is already set on line 2",),
        ),
        Invalid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  «'conv_1'»: {quantization_settings: {weights_num_bits: 8}}\n",
            messages=("the key 'conv_1' is already set on line 2",),
        ),
        Invalid(
            settings='{"training_settings": {"num_epochs": 3}, «"training_settings"»: {}}',
            syntax="json",
            messages=("the key 'training_settings' is already set on line 1",),
        ),
        Invalid(
            settings="a: {b: 1, «b»: 2, «b»: 3}\n",
            messages=("the key 'b' is already set on line 1", "the key 'b' is already set on line 1"),
        ),
        Invalid(
            settings="[training_settings]\nnum_epochs = 3\nnum_epochs = 4\n",
            syntax="toml",
            messages=("the file is not TOML: Cannot overwrite a value",),
        ),
        Invalid(
            settings="[training_settings]\nnum_epochs = 3\n[training_settings]\nstats_steps = 4\n",
            syntax="toml",
            messages=("the file is not TOML: Cannot declare ('training_settings',) twice",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Pass on what reading the file found, with the place of the first key."""
        for problem in context.problems:
            if problem.kind is ProblemKind.DUPLICATE_KEY:
                labels = tuple(Label(span, "first set here") for span in problem.related)
                yield finding_of(problem)._replace(labels=labels)

"""CLK003."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.problems import ProblemKind
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import finding_of


class InvalidValue(Rule):
    """A setting does not take the value it is given.

    ## What it does
    Reports values of the wrong type or out of range, a section or rule that is no mapping, and combinations that
    contradict themselves: `skip_quantization_until` or `skip_quantization_downstream` without
    `skip_quantization: true`, and both together. Also the name of a target or an observer that is not installed where
    the linter runs: that of a plugin needs the plugin beside it, in pre-commit as one of `additional_dependencies`.

    ## Why is this bad?
    The file is refused. The combinations would say two things at once.

    ## Example
    ```yaml
    layer_settings:
      conv_1:
        quantization_settings:
          skip_quantization_until: [linear_1]
    ```

    ## Use instead
    ```yaml
    layer_settings:
      conv_1:
        quantization_settings:
          skip_quantization: true
          skip_quantization_until: [linear_1]
    ```
    """

    code = "CLK003"
    name = "invalid-value"
    severity = Severity.ERROR
    needs = (Need.DOCUMENT,)

    VALID = (
        Valid(settings="training_settings:\n"),
        Valid(settings="global_quantization_settings: {skip_tail_quantization: [output_1]}\n"),
        Valid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: no\n",
            about="`no` is a name here",
        ),
        Valid(settings="[training_settings]\nlearning_rate = 1e-4\n", syntax="toml"),
        Valid(settings='{"deployment_settings": {"target_framework": "tflite"}}', syntax="json"),
    )
    INVALID = (
        Invalid(
            settings="global_quantization_settings:\n  weights_num_bits: «32» # no\n",
            messages=(
                "invalid value of global_quantization_settings.weights_num_bits: "
                "found 32, expected an integer from 2 to 16",
            ),
        ),
        Invalid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {«skip_quantization_downstream»: true}}\n",
            messages=(
                "invalid value of layer_settings['conv_1'].quantization_settings.skip_quantization_downstream: "
                "found skip_quantization_downstream with skip_quantization unset",
            ),
        ),
        Invalid(
            settings='{"layer_settings": {"conv_1": {"quantization_settings": {"skip_quantization": true, '
            '"skip_quantization_until": ["linear_1"], «"skip_quantization_downstream"»: true}},\n'
            '"conv_2": «7»}}',
            syntax="json",
            messages=(
                "invalid value of layer_settings['conv_1'].quantization_settings.skip_quantization_downstream: "
                "found skip_quantization_until and skip_quantization_downstream together",
                "invalid value of layer_settings['conv_2']: found 7, expected a mapping",
            ),
        ),
        Invalid(
            settings="[training_settings]\nskip_initial_eval = 'yes'\n",
            syntax="toml",
            messages=("invalid value of training_settings.skip_initial_eval: found the text 'yes'",),
        ),
        Invalid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [linear_1, «null»]\n",
            messages=(
                "invalid value of layer_settings['conv_1'].quantization_settings.skip_quantization_until: "
                "found null, expected a name",
            ),
        ),
        Invalid(
            settings="training_settings: &t\n  num_epochs: «-1»\n  learning_rate: «.nan»\n"
            "deployment_settings: «[»ort]\n«[»a, b]: 1\n",
            messages=(
                "invalid value of training_settings.num_epochs: found -1",
                "invalid value of training_settings.learning_rate: found nan",
                "invalid value of deployment_settings: found a list of 1, expected a mapping",
                "a key is a list or a mapping",
            ),
        ),
        Invalid(
            settings="deployment_settings:\n  target_framework: «tflight» # small\n",
            messages=(
                "there is no deployment target 'tflight': expected ort, ov, trt, tflite, qnn, stablehlo",
            ),
        ),
        Invalid(
            settings="global_quantization_settings: {observer: «min_maxx»}\n",
            messages=("there is no observer 'min_maxx': expected min_max, mean_min_max, percentile",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Pass on what reading the file found, and look for the target and the observer."""
        for problem in context.problems:
            if problem.kind is ProblemKind.INVALID_VALUE:
                yield finding_of(problem)
        named = (
            (context.unknown_target, ("deployment_settings", "target_framework")),
            (context.unknown_observer, ("global_quantization_settings", "observer")),
        )
        for unknown, key in named:
            if unknown is not None:
                yield Finding(
                    f"{unknown.message}: expected {unknown.expected}",
                    context.places.value_span(*key),
                    help=unknown.fix or "install the plugin that brings it where the linter runs",
                )

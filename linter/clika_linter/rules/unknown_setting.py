"""CLK002."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from clika_core.diagnostics import Severity
from clika_core.settings.document import Entry
from clika_core.settings.problems import Problem, ProblemKind
from clika_core.settings.renamed import RENAMED
from clika_core.settings.source import Span
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.places import Places, entries_of
from clika_linter.rule import Need, Rule
from clika_linter.slips import is_slip
from clika_linter.wording import finding_of


class UnknownSetting(Rule):
    """A key is no setting.

    ## What it does
    Reports keys that the settings file does not have at that place, with the nearest one it has, or the section
    that the key belongs to.

    ## Why is this bad?
    A key that nobody reads is a wish that nobody grants. A file with one is refused, so that a misspelt
    `skip_quantization` cannot pass for a skip.

    ## Example
    ```yaml
    training_settings:
      num_epoch: 3
    ```

    ## Use instead
    ```yaml
    training_settings:
      num_epochs: 3
    ```

    ## Fix safety
    The fix puts the nearest name in place of the key, unless that is set already. It is safe where the two differ
    by one character, by case, or by hyphens, and unsafe where the nearest name is a guess.
    """

    code = "CLK002"
    name = "unknown-setting"
    severity = Severity.ERROR
    needs = (Need.DOCUMENT,)
    fix = Safety.UNSAFE

    VALID = (
        Valid(settings="training_settings: {num_epochs: 3}\nlayer_settings:\n"),
        Valid(settings="[deployment_settings]\ntarget_framework = 'ort'\n", syntax="toml"),
        Valid(settings='{"layer_settings": {"any_name": {"quantization_settings": {}}}}', syntax="json"),
        Valid(
            settings="training_settings: {mixed_precision: true}\n",
            about="a key of an older release is another rule's",
        ),
    )
    INVALID = (
        Invalid(
            settings="training_settings:\n  «num_epoch»: 3 # short\n",
            messages=("training_settings has no setting 'num_epoch'",),
            fixed="training_settings:\n  num_epochs: 3 # short\n",
        ),
        Invalid(
            settings='{«"layerSettings"»: {"conv_1": {"quantization-settings": {}}}}',
            syntax="json",
            messages=("the settings file has no setting 'layerSettings'",),
            fixed='{"layer_settings": {"conv_1": {"quantization_settings": {}}}}',
        ),
        Invalid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      «'skip_quantisation_untill'»: linear_1\n",
            messages=(
                "layer_settings['conv_1'].quantization_settings has no setting 'skip_quantisation_untill'",
            ),
            fixed="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      'skip_quantization_until': linear_1\n",
        ),
        Invalid(
            settings="[training_settings]\n«numEpochs» = 3\nsteps_per_epoch = 10\n",
            syntax="toml",
            messages=("training_settings has no setting 'numEpochs'",),
            fixed="[training_settings]\nnum_epochs = 3\nsteps_per_epoch = 10\n",
        ),
        Invalid(
            settings="layer_settings:\n  conv_1: {«skip_quantization»: true}\n",
            messages=("layer_settings['conv_1'] has no setting 'skip_quantization'",),
            fixed="layer_settings:\n  conv_1: {skip_quantization: true}\n",
            about="there is no name to put; the help says where it belongs",
        ),
        Invalid(
            settings="training_settings:\n  num_epochs: 3\n  «num_epoch»: 4\n  «weights_num_bits»: 8\n",
            messages=(
                "training_settings has no setting 'num_epoch'",
                "training_settings has no setting 'weights_num_bits'",
            ),
            fixed="training_settings:\n  num_epochs: 3\n  num_epoch: 4\n  weights_num_bits: 8\n",
            about="the nearest name is set already, or the key belongs elsewhere",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Pass on what reading the file found, and offer the nearest name."""
        problems = [p for p in context.problems if p.kind is ProblemKind.UNKNOWN_SETTING]
        mappings = _mappings(context.places) if problems else {}
        wanted = Counter((id(mappings.get(problem.span)), problem.replacement) for problem in problems)
        for problem in problems:
            beside = mappings.get(problem.span)
            is_wanted_once = wanted[id(beside), problem.replacement] == 1
            fix = _rename(context, problem, beside) if beside is not None and is_wanted_once else None
            yield finding_of(problem, fix)


def _rename(context: Context, problem: Problem, beside: Mapping[str, Entry]) -> Fix | None:
    """The fix that puts the nearest name, where there is one that no key beside it has or gets."""
    name = problem.replacement
    old = next(key for key, entry in beside.items() if entry.key_span == problem.span)
    successors = {
        known[key].key for known in RENAMED.values() for key in known.keys() & beside.keys()
    }  # the fix of a renamed key puts these
    if name is None or name in beside or name in successors:
        return None
    edits = context.editor.replace_name(problem.span, name)
    safety = Safety.SAFE if is_slip(old, name) else Safety.UNSAFE
    return Fix(f"rename it to {name}", edits, safety) if edits else None


def _mappings(places: Places) -> dict[Span | None, Mapping[str, Entry]]:
    """By the span of each key that a settings file may have, the keys beside it."""
    rules = places.rules.values()
    mappings = [
        places.root,
        *(entries_of(section.value) for section in places.root.values()),
        *(entries_of(rule.entry.value) for rule in rules),
        *(rule.fields for rule in rules),
    ]
    return {entry.key_span: found for found in mappings for entry in found.values() if entry.key_span}

"""What the cases of the rules on keys do not show: labels, files beside the settings, every renamed key."""

from __future__ import annotations

import json

import pytest

from clika_core.errors import GraphError, Location
from clika_core.settings.load import read_document
from clika_core.settings.renamed import RENAMED
from clika_linter.context import Context
from clika_linter.finding import Finding, Safety
from clika_linter.fixing import apply_edits
from clika_linter.rules.deprecated_setting import DeprecatedSetting
from clika_linter.rules.duplicate_key import DuplicateKey
from clika_linter.rules.invalid_syntax import InvalidSyntax
from clika_linter.rules.unknown_setting import UnknownSetting
from clika_linter.slips import is_slip

COUNTED = ("clip_grad_norm", "grads_accumulation_steps", "print_num_steps_averaging")
OLDER = [
    (section, key, value)
    for section, keys in RENAMED.items()
    for key in keys
    for value in ([7] if key in COUNTED else [True, False])
]
YAML, JSON = "{}:\n    {}: {}  # why\n    num_epochs: 3\n", '{{"{}": {{"{}": {}, "num_epochs": 3}}}}'


def context_of(text: str, syntax: str = "yaml") -> Context:
    return Context(read_document(text, f"settings.{syntax}", syntax))


@pytest.mark.parametrize("form", [YAML, JSON], ids=["yaml", "json"])
@pytest.mark.parametrize(("section", "key", "value"), OLDER)
def test_the_fix_of_a_renamed_key_keeps_the_settings(
    form: str, section: str, key: str, value: object
) -> None:
    syntax = "json" if form == JSON else "yaml"
    context = context_of(form.format(section, key, json.dumps(value)), syntax)
    (finding,) = DeprecatedSetting().check(context)
    assert finding.fix is not None
    fixed = context_of(apply_edits(context.source.text, [finding.fix.edits]), syntax)
    assert not fixed.problems
    assert fixed.settings == context.settings
    assert ("# why" in fixed.source.text) == (form == YAML)


def test_a_duplicate_key_shows_the_first_one() -> None:
    context = context_of("training_settings:\n  num_epochs: 3\n  num_epochs: 4\n")
    (finding,) = DuplicateKey().check(context)
    ((label),) = finding.labels
    assert label.text == "first set here"
    assert context.source.location(label.span) == Location("settings.yaml", 2, 3)


def test_a_graph_that_cannot_be_read_is_told_with_its_file() -> None:
    problem = GraphError("the graph is broken", found="text", expected="JSON", fix="trace again")
    problem.location = Location("model.graph.json", 1)
    document = read_document("", "settings.yaml")
    (finding,) = InvalidSyntax().check(Context(document, input_errors=[problem]))
    assert finding == Finding(
        "the graph is broken, found text, expected JSON",
        help="trace again",
        location=Location("model.graph.json", 1),
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("num_epoch", "num_epochs"),
        ("num_epocsh", "num_epochs"),
        ("numEpochs", "num_epochs"),
        ("NUM-EPOCHS", "num_epochs"),
        ("num_epoxhs", "num_epochs"),
        ("nnum_epochs", "num_epochs"),
    ],
)
def test_a_slip_of_one_character_or_of_case_is_safe_to_mend(old: str, new: str) -> None:
    assert is_slip(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("reset_train_data", "reset_eval_data"),
        ("weights_num_bits", "activations_num_bits"),
        ("epochs", "num_epochs"),
        ("num_epxxhs", "num_epochs"),
        ("nmu_epocsh", "num_epochs"),
        ("", "cpu"),
    ],
)
def test_a_nearest_name_that_is_a_guess_is_not(old: str, new: str) -> None:
    assert not is_slip(old, new)


def test_a_guess_is_an_unsafe_fix_and_a_slip_a_safe_one() -> None:
    found = UnknownSetting().check(context_of("training_settings:\n  reset_tran_data: true\n  epochs: 3\n"))
    assert [finding.fix and finding.fix.safety for finding in found] == [Safety.SAFE, Safety.UNSAFE]


@pytest.mark.parametrize("keys", ["num_epoch: 3, numEpochs: 4", "mixed_precision: true, ampDtype: null"])
def test_of_two_keys_for_one_name_the_fixes_make_no_duplicate(keys: str) -> None:
    context = context_of(f"training_settings: {{{keys}}}\n")
    findings = [*UnknownSetting().check(context), *DeprecatedSetting().check(context)]
    edits = [finding.fix.edits for finding in findings if finding.fix]
    fixed = context_of(apply_edits(context.source.text, edits))
    assert len(findings) == 2
    assert "duplicate-key" not in [problem.kind for problem in fixed.problems]

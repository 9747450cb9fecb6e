"""Keys of older releases are read as what they are called now, with a warning."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.settings import Settings
from clika_core.settings.interpret import interpret
from clika_core.settings.load import parse_settings, read_document
from clika_core.settings.problems import ProblemKind, SettingsFileError
from clika_core.settings.renamed import RENAMED
from clika_core.settings.sections import SECTIONS
from tests.core.settings.strategies import EXAMPLES

PAIRS = [(section, key) for section, keys in RENAMED.items() for key in keys]


@pytest.mark.parametrize(("section", "key"), PAIRS)
def test_every_successor_is_a_setting_and_no_older_key_is(section: str, key: str) -> None:
    assert RENAMED[section][key].key in SECTIONS[section].keys
    assert key not in SECTIONS[section].keys


@pytest.mark.parametrize(
    ("older", "key", "value"),
    [
        ("clip_grad_norm: 1.5", "clip_grad_norm_val", 1.5),
        ("grads_accumulation_steps: 4", "grads_acc_steps", 4),
        ("mixed_precision: true", "amp_dtype", "float16"),
        ("mixed_precision: false", "amp_dtype", None),
        ("print_num_steps_averaging: 10", "print_ma_window_size", 10),
        ("reset_evaluation_dataset_between_epochs: false", "reset_eval_data", False),
        ("reset_training_dataset_between_epochs: true", "reset_train_data", True),
        ("skip_initial_evaluation: true", "skip_initial_eval", True),
        ("use_fp16_weights: true", "weights_dtype", "float16"),
        ("use_gradients_checkpoint: true", "activations_offloading", True),
    ],
)
def test_an_older_key_sets_its_successor(older: str, key: str, value: Any) -> None:
    with pytest.warns(FutureWarning, match=f"is called {key} now"):
        settings = parse_settings(f"training_settings:\n  num_epochs: 3\n  {older}\n", "old.yaml")
    assert getattr(settings.training_settings, key) == value
    assert settings.training_settings.num_epochs == 3
    location = settings.location_of("training_settings", key)
    assert location is not None
    assert (location.file, location.line) == ("old.yaml", 3)


def test_the_warning_says_where() -> None:
    with pytest.warns(FutureWarning) as caught:
        parse_settings("training_settings: {mixed_precision: true}", "old.yaml")
    assert str(caught[0].message) == (
        "old.yaml:1: training_settings.mixed_precision is called amp_dtype now\n  fix: write amp_dtype: float16"
    )


@pytest.mark.parametrize("syntax", EXAMPLES)
def test_current_files_bring_no_warning(syntax: str) -> None:
    _, problems = interpret(read_document(EXAMPLES[syntax], "f", syntax))
    assert not problems


def test_an_older_key_beside_its_successor_is_an_error() -> None:
    text = "training_settings: {clip_grad_norm: 1.0, clip_grad_norm_val: 2.0}"
    with pytest.raises(SettingsFileError, match="clip_grad_norm_val, its new name, is set too"):
        parse_settings(text)


@pytest.mark.parametrize("value", ["float16", "1", "null", "[true]"])
def test_an_older_key_takes_only_what_it_took(value: str) -> None:
    with pytest.raises(SettingsFileError, match=r"invalid value of training_settings\.mixed_precision"):
        parse_settings(f"training_settings: {{mixed_precision: {value}}}")


def test_an_older_key_in_another_section_is_unknown() -> None:
    _, problems = interpret(read_document("deployment_settings: {mixed_precision: true}", "f"))
    assert [problem.kind for problem in problems] == [ProblemKind.UNKNOWN_SETTING]


def test_a_saved_file_has_the_new_names() -> None:
    with pytest.warns(FutureWarning):
        settings = parse_settings("training_settings: {mixed_precision: true}")
    saved = settings.to_json()["training_settings"]
    assert saved["amp_dtype"] == "float16"
    assert "mixed_precision" not in saved
    assert settings != Settings()


def test_a_key_that_another_section_has_is_not_mistaken_for_a_similar_one() -> None:
    _, problems = interpret(read_document("training_settings: {weights_num_bits: 4}", "f"))
    assert [(problem.fix, problem.replacement) for problem in problems] == [
        ("move it to global_quantization_settings", None)
    ]

"""Hostile files: one clear problem, quickly, whatever the size or depth."""

from __future__ import annotations

import pytest

from clika_core.settings.interpret import interpret
from clika_core.settings.load import MAX_BYTES, parse_settings, read_document
from clika_core.settings.problems import SettingsFileError
from clika_core.settings.tree_builder import MAX_DEPTH
from tests.spending import at_most

_TO_SPARE_SECONDS = 60.0  # the worst takes about one


def _message(text: str, syntax: str = "yaml") -> str:
    """The one problem of a hostile file, which must be found in time."""
    with at_most(_TO_SPARE_SECONDS):
        with pytest.raises(SettingsFileError) as caught:
            parse_settings(text, "f", syntax)
        message = str(caught.value)
    assert len(caught.value.problems) == 1
    assert len(message) < 500
    return message


def _bomb(link: str) -> str:
    """Nine levels, each with nine aliases of the one before: 9**9 leaves."""
    levels = [f"{after}: &{after} {link.format(', '.join([f'*{before}'] * 9))}" for before, after in zip("abcdefghi", "bcdefghij", strict=True)]  # fmt: skip  # noqa: E501
    return "\n".join(["a: &a {x: 1}", *levels])


@pytest.mark.parametrize("link", ["[{}]", "{{<<: [{}]}}", "{{k: [{}]}}"])
def test_a_bomb_of_aliases_is_refused(link: str) -> None:
    assert "more than 200000 values, aliases written out" in _message(_bomb(link))


@pytest.mark.parametrize(
    ("text", "syntax"),
    [
        ("[" * 10**5, "yaml"),
        ("[" * 10**5 + "]" * 10**5, "yaml"),
        ('{"a":' * 10**5, "yaml"),
        ("- " * 10**5, "yaml"),
        ("? " * 10**5, "yaml"),
        ("".join(" " * depth + "a:\n" for depth in range(1000)), "yaml"),
        ("[" * 10**5, "json"),
        ('{"a":' * 10**5, "json"),
    ],
)
def test_deep_nesting_is_refused(text: str, syntax: str) -> None:
    assert f"the file nests deeper than {MAX_DEPTH} levels" in _message(text, syntax)


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 10**5,
        "a = " + "[" * 10**5 + "]" * 10**5,
        "a = " + "{b=" * 10**5,
        ".".join("a" * 10**5) + " = 1",
        "[" + ".".join("a" * 10**5) + "]",
        "a = {" + ".".join(['"b"'] * 10**5) + " = 1}",
        "a = [" + ". " * 10**5,
        "a = 1" + ".   " * 10**5 + "!",
        '"' + '\\"' * 10**5,
    ],
)
def test_deep_nesting_and_endless_keys_in_toml_are_refused(text: str) -> None:
    assert _message(text, "toml").startswith("f:1: ")


def test_files_within_the_depth_limit_are_read() -> None:
    depth = MAX_DEPTH - 1
    assert not read_document("a: " + "[" * depth + "]" * depth, "f").problems
    assert read_document("a: " + "[" * MAX_DEPTH + "]" * MAX_DEPTH, "f").problems


@pytest.mark.parametrize("syntax", ["yaml", "json", "toml"])
def test_a_text_over_the_size_limit_is_refused(syntax: str) -> None:
    assert "too large" in _message(" " * (MAX_BYTES + 1), syntax)


def test_a_toml_file_has_a_smaller_limit_because_its_reader_is_slow() -> None:
    assert "the TOML file has more than 1048576 characters" in _message("#" * (2**20 + 1), "toml")


@pytest.mark.parametrize(
    "text",
    [
        "a: [" + "[]," * 10**6 + "]",
        "-\n" * 10**6,
        "a: [" + "," * 10**6,
        "a: " + "x" * (MAX_BYTES - 10),
        "training_settings: {num_epochs: " + "9" * (MAX_BYTES - 100) + "}",
        "training_settings: {num_epochs: " + "9" * (MAX_BYTES - 100) + "x}",
        "training_settings: {amp_dtype: " + "x" * (MAX_BYTES - 100) + "}",
        "x" * (MAX_BYTES - 10) + ": 1",
        "layer_settings: {" + "x" * 10**5 + ": 1}",
        "a: '" + "x" * (MAX_BYTES - 10),
        "\t" * 10**6,
        ":" * 10**6,
        "&" * 10**6,
        "*" * 10**6,
        "!" * 10**6,
        "&a " * 10**5,
        "a\n" * 10**6,
        '"' + "\\n" * 10**6,
    ],
    ids=range(18),
)
def test_files_at_the_limits_are_refused_in_time_and_in_few_words(text: str) -> None:
    assert _message(text).startswith("f:")


def test_very_many_mistakes_are_counted_and_the_first_shown() -> None:
    text = "layer_settings:\n" + "".join(f"  k{i}: 1\n" for i in range(20_000))
    with pytest.raises(SettingsFileError) as caught:
        parse_settings(text, "f")
    assert len(caught.value.problems) == 20_000
    assert str(caught.value).startswith("the settings have 20000 problems\n  f:2: invalid value of")
    assert str(caught.value).endswith("\n  ... and 19980 more")


def test_very_many_unknown_keys_are_found_in_time() -> None:
    text = "training_settings:\n" + "".join(f"  num_epochs{i}: 1\n" for i in range(50_000))
    with at_most(_TO_SPARE_SECONDS):
        _, problems = interpret(read_document(text, "f"))
    assert len(problems) == 50_000
    assert problems[0].replacement == "num_epochs"


def test_a_thousand_rules_are_read_well_within_a_second() -> None:
    rule = "{{quantization_settings: {{skip_quantization: true, skip_quantization_until: [linear_{0}]}}}}"
    text = "layer_settings:\n" + "".join(f"  conv_{i}: {rule.format(i)}\n" for i in range(1000))
    with at_most(0.5):
        settings = parse_settings(text)
    assert len(settings.rules) == 1000

"""What a YAML settings file says, and where."""

from __future__ import annotations

import pytest
import yaml

from clika_core.errors import Location
from clika_core.settings import Settings
from clika_core.settings.document import Document, MappingNode, ScalarNode, SequenceNode
from clika_core.settings.load import parse_settings, read_document
from clika_core.settings.problems import SettingsFileError
from clika_core.settings.yaml_document import read_scalar
from tests.core.settings.strategies import EXAMPLE_YAML


def _rule_file(body: str) -> str:
    return f"layer_settings:\n  a:\n    quantization_settings: {body}\n"


def _problem(text: str) -> str:
    """The one problem of a file, without the file's name."""
    with pytest.raises(SettingsFileError) as caught:
        parse_settings(text, "s.yaml")
    assert len(caught.value.problems) == 1
    return str(caught.value)


def test_the_example_is_understood() -> None:
    settings = parse_settings(EXAMPLE_YAML)
    quantization = settings.global_quantization_settings
    assert quantization.skip_tail_quantization == ("output_1", "output_*")
    assert quantization.quantization_sensitivity_threshold == 1e-4
    assert settings.training_settings.learning_rate == 0.001
    rules = {rule.selector: rule.settings for rule in settings.rules}
    assert list(rules) == ["adaptive_avg_pool_1", "op:softmax", "conv_2", "1.10"]
    assert rules["adaptive_avg_pool_1"].skip_quantization_until == ("linear_5",)
    assert rules["op:softmax"].skip_quantization is True
    assert rules["1.10"].weights_num_bits == 4


def test_a_merge_key_takes_what_is_not_written_beside_it() -> None:
    merged = parse_settings(EXAMPLE_YAML).layer_settings["conv_2"].quantization_settings
    assert merged.skip_quantization is True
    assert merged.skip_quantization_until == ("linear_6",)
    assert merged.on_unmatched == "warn"


def test_of_several_merged_mappings_the_first_counts() -> None:
    text = """
layer_settings:
  a: {quantization_settings: &a {weights_num_bits: 4}}
  b: {quantization_settings: &b {weights_num_bits: 6, activations_num_bits: 6}}
  c: {quantization_settings: {<<: [*a, *b]}}
"""
    rule = parse_settings(text).layer_settings["c"].quantization_settings
    assert (rule.weights_num_bits, rule.activations_num_bits) == (4, 6)


def test_a_quoted_merge_key_is_a_name() -> None:
    settings = parse_settings("layer_settings:\n  '<<': {quantization_settings: {skip_quantization: true}}\n")
    assert settings.rules[0].selector == "<<"


@pytest.mark.parametrize(
    "text", ["", "\n", "# nothing\n", "---\n", "null\n", "~", "{}", "\ufeff", "--- \n...\n"]
)
def test_a_file_that_says_nothing_has_the_defaults(text: str) -> None:
    assert parse_settings(text) == Settings()


@pytest.mark.parametrize(
    "text", ["training_settings:\n", "layer_settings:\n  # conv_1:\n", "layer_settings: {}"]
)
def test_a_section_that_says_nothing_has_the_defaults(text: str) -> None:
    assert parse_settings(text) == Settings()


@pytest.mark.parametrize(
    "key", ["1.10", "0", "no", "null", "~", "true", "0x10", "1e3", "2024-01-01", "features.0.conv", "=", "-1"]
)
def test_keys_and_targets_are_the_characters_of_the_file(key: str) -> None:
    text = f"layer_settings:\n  {key}: {{quantization_settings: {{skip_quantization: true}}}}\n"
    assert parse_settings(text).rules[0].selector == key
    if key not in ("null", "~"):
        text = _rule_file(f"{{skip_quantization: true, skip_quantization_until: [{key}]}}")
        assert parse_settings(text).rules[0].settings.skip_quantization_until == (key,)
        text = _rule_file(f"{{skip_quantization: true, skip_quantization_until: {key}}}")
        assert parse_settings(text).rules[0].settings.skip_quantization_until == (key,)


def test_a_target_of_null_is_no_name() -> None:
    text = _rule_file("{skip_quantization: true, skip_quantization_until: [~]}")
    assert "found: null\n  expected: a name\n  fix: write it in quotes" in _problem(text)


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "Yes", "n"])
def test_the_booleans_of_yaml_1_1_are_refused_with_advice(word: str) -> None:
    assert _problem(_rule_file(f"{{skip_quantization: {word}}}")) == (
        "s.yaml:3: invalid value of layer_settings['a'].quantization_settings.skip_quantization\n"
        f"  found: the text '{word}'\n"
        "  expected: true or false, or null\n"
        "  fix: write true or false: yes, no, on and off are text here"
    )


@pytest.mark.parametrize("number", ["'8'", "010", "1_0"])
def test_text_that_looks_like_a_number_is_refused_with_advice(number: str) -> None:
    assert "fix: write plain digits" in _problem(_rule_file(f"{{weights_num_bits: {number}}}"))


@pytest.mark.parametrize(
    "text",
    ["null", "~", "true", "False", "0", "12", "-3", "+5", "1.5", ".5", "1.5e+3", ".inf", "-.inf", "ort", "1.2.3"],
)  # fmt: skip
def test_scalars_are_read_as_pyyaml_reads_them_where_both_versions_of_yaml_agree(text: str) -> None:
    assert read_scalar(text) == yaml.safe_load(text)
    assert type(read_scalar(text)) is type(yaml.safe_load(text))


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("1e3", 1000.0), ("5.", 5.0), ("-0", 0), ("-.5", -0.5)]
)
def test_numbers_that_yaml_1_2_reads_are_numbers(text: str, value: float) -> None:
    assert read_scalar(text) == value
    assert type(read_scalar(text)) is type(value)


@pytest.mark.parametrize(
    "text", ["010", "0x1F", "1_000", "12:30:45", "2024-01-01", "yes", "+", ".", "-", "1e", "0.1.2"]
)
def test_what_only_yaml_1_1_reads_otherwise_is_text(text: str) -> None:
    assert read_scalar(text) == text


def test_an_endless_number_is_text_not_a_crash() -> None:
    assert read_scalar("9" * 5000) == float("inf")
    assert "found: the text" not in _problem(_rule_file(f"{{weights_num_bits: {'9' * 900}}}"))


def _scalars(document: Document) -> list[tuple[str, ScalarNode]]:
    """The scalars of a document, values and keys, with the text at their span."""
    found: list[tuple[str, ScalarNode]] = []

    def visit(node: object) -> None:
        if isinstance(node, ScalarNode) and node.span is not None:
            found.append((document.source.text[node.span.start : node.span.end], node))
        elif isinstance(node, SequenceNode):
            for item in node.items:
                visit(item)
        elif isinstance(node, MappingNode):
            for entry in node.entries:
                visit(ScalarNode(entry.key, entry.key, entry.key_span))
                visit(entry.value)

    visit(document.root)
    return found


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("start", ["", "\ufeff", "# ünïcödé 😀\n", "\n\n"])
def test_spans_cover_the_characters_of_the_scalar(newline: str, start: str) -> None:
    text = (start + EXAMPLE_YAML.replace("linear_5", "línear_😀")).replace("\n", newline)
    scalars = _scalars(read_document(text, "f"))
    assert len(scalars) > 30
    for written, node in scalars:
        assert written.strip("'\"") == node.text


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_places_count_lines_and_columns_from_one(newline: str) -> None:
    settings = parse_settings(EXAMPLE_YAML.replace("\n", newline), "s.yaml")
    assert settings.location_of(
        "global_quantization_settings", "quantization_sensitivity_threshold"
    ) == Location("s.yaml", 6, 39)
    rule = settings.rules[0]
    assert rule.location == Location("s.yaml", 9, 3)
    assert dict(rule.field_locations) == {
        "skip_quantization": Location("s.yaml", 11, 26),
        "skip_quantization_until": Location("s.yaml", 12, 32),
        "skip_quantization_until[0]": Location("s.yaml", 12, 33),
    }


def test_merged_keys_have_the_place_they_are_written_at() -> None:
    rule = parse_settings(EXAMPLE_YAML, "s.yaml").rules[2]
    assert rule.location == Location("s.yaml", 15, 3)
    assert rule.location_of("skip_quantization") == Location("s.yaml", 11, 26)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: !!python/object/apply:os.system [ls]",
            "the file contains the YAML tag !!python/object/apply:os.system",
        ),
        ("a: !!str 1", "the file contains the YAML tag !!str"),
        ("a: ! 1", "the file contains the YAML tag !"),
        ("a: !<x:y> {}", "the file contains the YAML tag x:y"),
        ("a: *b", "the alias *b has no anchor"),
        ("a: &b [*b]", "the alias *b stands inside the value it names"),
        ("a: 1\n---\nb: 2", "the file holds several documents"),
        ("a: \x07", "the file contains the character U+0007, which YAML does not allow"),
        ("a: \ud800", "the file contains the character U+D800, which YAML does not allow"),
        ("a: [1", "the file is not YAML: did not find expected ',' or ']' while parsing a flow sequence"),
        ("a: b: c", "the file is not YAML: mapping values are not allowed in this context"),
    ],
)
def test_files_that_cannot_be_read_are_refused(text: str, message: str) -> None:
    assert message in _problem(text).splitlines()[0]


def test_a_tab_as_indentation_is_refused_with_advice() -> None:
    assert _problem("training_settings:\n\tnum_epochs: 3\n") == (
        "s.yaml:2: the file is not YAML: found character that cannot start any token"
        " while scanning for the next token\n"
        "  fix: indent with spaces: YAML allows no tabs there"
    )


def test_duplicate_keys_are_refused_with_both_lines() -> None:
    text = "training_settings:\n  stats_steps: 1\n  num_epochs: 2\n  stats_steps: 1\n"
    assert _problem(text) == (
        "s.yaml:4: the key 'stats_steps' is already set on line 2\n"
        "  fix: remove one of them: only the last would count"
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("? [a]\n: 1\n", "s.yaml:1: a key is a list or a mapping\n  expected: a name as key"),
        (
            "training_settings: {<<: 3}",
            "s.yaml:1: << has no mapping to merge\n  expected: a mapping, or a list of mappings",
        ),
        (
            "- a",
            "s.yaml:1: invalid value of the whole file\n  found: a list of 1\n  expected: sections as a mapping",
        ),
        (
            "training_settings: [a]",
            "s.yaml:1: invalid value of training_settings\n  found: a list of 1\n  expected: a mapping",
        ),
        (
            "layer_settings: {a: }",
            "s.yaml:1: invalid value of layer_settings['a']\n  found: null\n  expected: a mapping",
        ),
        (
            "layer_settings: {'': {}}",
            "s.yaml:1: invalid value of a key of layer_settings\n"
            "  found: an empty text\n  expected: the name of a layer, or another selector",
        ),
        (
            "layer_settings: {a: {skip_quantization: true}}",
            "s.yaml:1: layer_settings['a'] has no setting 'skip_quantization'\n"
            "  fix: put it under quantization_settings",
        ),
        (
            "num_epochs: 3",
            "s.yaml:1: the settings file has no setting 'num_epochs'\n  fix: move it to training_settings",
        ),
        (
            "global_quantization_settings: {num_epochs: 3}",
            "s.yaml:1: global_quantization_settings has no setting 'num_epochs'\n"
            "  fix: move it to training_settings",
        ),
    ],
)
def test_what_does_not_belong_is_refused(text: str, problem: str) -> None:
    assert _problem(text) == problem


def test_a_contradiction_points_at_the_key_to_change() -> None:
    text = _rule_file("\n      weights_num_bits: 8\n      skip_quantization_until: b")
    assert _problem(text).splitlines()[:2] == [
        "s.yaml:5: invalid value of layer_settings['a'].quantization_settings.skip_quantization_until",
        "  found: skip_quantization_until with skip_quantization unset",
    ]


def test_the_parser_written_in_python_gives_the_same_document(monkeypatch: pytest.MonkeyPatch) -> None:
    fast = read_document(EXAMPLE_YAML, "f")
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert read_document(EXAMPLE_YAML, "f") == fast
    for text in ("a: [", "a: *b", "\ta: b", "a: '\\", 'a: "\\UFFFFFFFF"', "[" * 10**5):
        assert read_document(text, "f").problems

"""Settings in JSON and TOML: the same content, with places as exact as the format allows."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import Location
from clika_core.settings import Settings
from clika_core.settings.document import MappingNode, Node, ScalarNode
from clika_core.settings.load import parse_settings, read_document
from clika_core.settings.problems import ProblemKind, SettingsFileError
from tests.core.settings.strategies import EXAMPLE_JSON, EXAMPLE_TOML

_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def _value(node: Node) -> object:
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, MappingNode):
        return {entry.key: _value(entry.value) for entry in node.entries}
    return [_value(item) for item in node.items]


def _place(text: str, needle: str) -> Location:
    before = text[: text.index(needle)].split("\n")
    return Location("s.json", len(before), len(before[-1]) + 1)


def _problem(text: str, syntax: str) -> str:
    with pytest.raises(SettingsFileError) as caught:
        parse_settings(text, f"s.{syntax}", syntax)
    assert len(caught.value.problems) == 1
    return str(caught.value)


@pytest.mark.parametrize("syntax", ["json", "toml"])
@pytest.mark.parametrize("text", ["", "\n", "\ufeff"])
def test_an_empty_file_has_the_defaults(syntax: str, text: str) -> None:
    assert parse_settings(text, "f", syntax) == Settings()


@given(_JSON_VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_is_read_as_the_standard_library_reads_it(value: object, indent: str, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    root = read_document(text, "f", "json").root
    assert root is not None
    assert _value(root) == json.loads(text)


@given(st.text(alphabet='{}[]:,"\\u0019ae.-+ntf \n', max_size=20))
def test_what_the_standard_library_refuses_as_json_is_refused(text: str) -> None:
    try:
        json.loads(text, parse_constant=_refuse)
        is_json = True
    except ValueError:
        is_json = not text.strip()  # an empty file says nothing
    document = read_document(text, "f", "json")
    assert (document.root is not None) == is_json


def _refuse(name: str) -> None:
    raise ValueError(name)


def test_json_knows_the_place_of_every_value() -> None:
    settings = parse_settings(EXAMPLE_JSON, "s.json", "json")
    assert settings.location_of("training_settings", "learning_rate") == _place(EXAMPLE_JSON, "1e-3")
    rule = settings.rules[0]
    assert rule.settings.skip_quantization_until == ("linear_5", "café")
    assert rule.location == _place(EXAMPLE_JSON, '"adaptive')
    assert rule.location_of("skip_quantization_until[1]") == _place(EXAMPLE_JSON, '"caf')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1,}', "s.json:1: the file is not JSON: found '}', expected a key in double quotes"),
        ("{'a': 1}", 's.json:1: the file is not JSON: found "\'", expected a key in double quotes'),
        ('{"a"\n1}', "s.json:2: the file is not JSON: found '1', expected ':'"),
        ('{"a": 01}', "s.json:1: the file is not JSON: found '1', expected '}'"),
        ('{"a": NaN}', "s.json:1: the file is not JSON: found 'N', expected a value"),
        ('{"a": [1', "s.json:1: the file is not JSON: found the end of the file, expected ']'"),
        ("{} {}", "s.json:1: the file is not JSON: found '{', expected nothing after the value"),
        ('{"a": 1, "a": 2}', "s.json:1: the key 'a' is already set on line 1"),
    ],
)
def test_mistakes_in_json_are_refused(text: str, problem: str) -> None:
    with pytest.raises(SettingsFileError) as caught:
        parse_settings(text, "s.json", "json")
    assert str(caught.value.problems[0]).splitlines()[0] == problem


def test_numbers_are_no_names_in_json() -> None:
    rule = {"skip_quantization": True, "skip_quantization_until": [1]}
    text = json.dumps({"layer_settings": {"a": {"quantization_settings": rule}}})
    assert "found: 1\n  expected: a name\n  fix: write it in quotes" in _problem(text, "json")


def test_toml_is_understood_with_the_places_of_its_keys() -> None:
    settings = parse_settings(EXAMPLE_TOML, "s.toml", "toml")
    assert settings.training_settings.learning_rate == 1e-3
    assert settings.location_of("training_settings", "learning_rate") == Location("s.toml", 3, 1)
    assert {rule.selector: rule.location for rule in settings.rules} == {
        "adaptive_avg_pool_1": Location("s.toml", 5, 17),
        "1.10": Location("s.toml", 10, 1),
        "conv_2": Location("s.toml", 11, 1),
    }


def test_the_place_of_a_value_in_toml_is_that_of_its_key() -> None:
    rule = parse_settings(EXAMPLE_TOML, "s.toml", "toml").rules[0]
    assert rule.location_of("skip_quantization_until[0]") == Location("s.toml", 7, 1)


def test_a_key_in_an_inline_table_has_the_place_of_the_table() -> None:
    text = "[layer_settings]\na = { quantization_settings = { skip_quantizatio = true } }\n"
    problem = _only_problem(text)
    assert problem.location == Location("s.toml", 2, 1)
    assert problem.span is None  # nothing exact to underline or replace
    assert problem.replacement == "skip_quantization"


def test_places_are_left_out_where_a_line_may_lie_inside_a_string() -> None:
    text = '[training_settings]\nnum_epochs = 3\namp_dtype = """\nnum_epochs = 4\n"""\n'
    assert _only_problem(text).location is None


def _only_problem(text: str):  # type: ignore[no-untyped-def]
    with pytest.raises(SettingsFileError) as caught:
        parse_settings(text, "s.toml", "toml")
    (problem,) = caught.value.problems
    return problem


def test_toml_keys_under_arrays_of_tables_are_not_mistaken_for_others() -> None:
    text = "[training_settings]\nnum_epochs = 3\n[[layer_settings]]\nnum_epochs = 4\n"
    assert "invalid value of layer_settings" in _problem(text, "toml")
    problem = _only_problem(text)
    assert problem.location is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a = [1", "s.toml:1: the file is not TOML: Unclosed array"),
        ("a = 1\n= 2", "s.toml:2: the file is not TOML: Invalid statement"),
        ("\na = 1\na = 2", "s.toml:3: the file is not TOML: Cannot overwrite a value"),
    ],
)
def test_mistakes_in_toml_are_refused(text: str, problem: str) -> None:
    assert _problem(text, "toml").startswith(problem)


def test_a_key_set_twice_in_toml_is_a_duplicate() -> None:
    document = read_document("a = 1\na = 2", "s.toml", "toml")
    assert [problem.kind for problem in document.problems] == [ProblemKind.DUPLICATE_KEY]


def test_dates_of_toml_are_refused_by_their_type() -> None:
    text = "[training_settings]\nnum_epochs = 2024-01-01\n"
    assert "found: a value of type date" in _problem(text, "toml")

"""The published JSON Schema says what the loader says, checked by a validator written for these tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from clika_core.settings import Settings
from clika_core.settings.interpret import interpret
from clika_core.settings.load import Format, read_document
from clika_core.settings.schema import DIALECT, json_schema
from clika_core.settings.sections import SECTIONS
from tests.core.settings.strategies import EXAMPLE_JSON, all_settings, names

_TYPES: dict[str, Any] = {
    "null": type(None),
    "boolean": bool,
    "string": str,
    "array": list,
    "object": dict,
    "number": (int, float),
}
_ANNOTATIONS = {"$schema", "title", "description", "default", "then"}


def _is_type(name: str, value: Any) -> bool:
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    if name == "number" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[name])


def _is_number(value: Any) -> bool:
    return _is_type("number", value)


def _equal(first: Any, second: Any) -> bool:
    """JSON Schema tells true from 1."""
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def _properties_hold(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, inner in value.items():
        wanted = properties.get(key, others)
        if wanted is False or (wanted is not True and not is_valid(wanted, inner)):
            return False
        if "propertyNames" in schema and not is_valid(schema["propertyNames"], key):
            return False
    return all(key in value for key in schema.get("required", []))


_KEYWORDS: dict[str, Callable[[Any, Any], Any]] = {
    "type": lambda schema, value: _is_type(schema["type"], value),
    "enum": lambda schema, value: any(_equal(value, choice) for choice in schema["enum"]),
    "const": lambda schema, value: _equal(value, schema["const"]),
    "minimum": lambda schema, value: not _is_number(value) or value >= schema["minimum"],
    "maximum": lambda schema, value: not _is_number(value) or value <= schema["maximum"],
    "exclusiveMinimum": lambda schema, value: not _is_number(value) or value > schema["exclusiveMinimum"],
    "pattern": lambda schema, value: not isinstance(value, str) or re.search(schema["pattern"], value),
    "minItems": lambda schema, value: not isinstance(value, list) or len(value) >= schema["minItems"],
    "items": lambda schema, value: (
        not isinstance(value, list) or all(is_valid(schema["items"], v) for v in value)
    ),
    "properties": lambda schema, value: not isinstance(value, dict) or _properties_hold(schema, value),
    "anyOf": lambda schema, value: any(is_valid(choice, value) for choice in schema["anyOf"]),
    "allOf": lambda schema, value: all(is_valid(part, value) for part in schema["allOf"]),
    "not": lambda schema, value: not is_valid(schema["not"], value),
    "if": lambda schema, value: not is_valid(schema["if"], value) or is_valid(schema["then"], value),
}
_KEYWORDS |= dict.fromkeys(("additionalProperties", "propertyNames", "required"), _KEYWORDS["properties"])


def is_valid(schema: dict[str, Any], value: Any) -> bool:
    """Whether `value` holds under the keywords of draft 2020-12 that the schema uses; others are an error."""
    return all(bool(_KEYWORDS[keyword](schema, value)) for keyword in schema if keyword not in _ANNOTATIONS)


def _is_accepted(content: Any) -> bool:
    return not interpret(read_document(json.dumps(content), "f", Format.JSON))[1]


_ODD_VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 20), st.sampled_from([0.0, -0.5, 1.5, 2**32, 2**32 - 1]),
    st.sampled_from(["", " ", "ort", "ORT", "qat", "mse", "warn", "yes", "float16", "relative", "a\nb", "a_plugin"]),
    names(), st.lists(names() | st.sampled_from(["", 1, None]), max_size=2), st.just({}),
)  # fmt: skip
_RULE_KEYS = [
    "skip_quantization",
    "skip_quantization_until",
    "skip_quantization_downstream",
    "weights_num_bits",
    "x",
]


@given(st.data())
def test_the_schema_and_the_loader_agree_on_every_key(data: st.DataObject) -> None:
    section = data.draw(st.sampled_from(sorted(SECTIONS)))
    key = data.draw(st.sampled_from([*SECTIONS[section].keys, "no_such_key"]))
    content = {section: {key: data.draw(_ODD_VALUES)}}
    assert is_valid(json_schema(), content) == _is_accepted(content)


@given(st.dictionaries(st.sampled_from(_RULE_KEYS), _ODD_VALUES | st.just(True), max_size=3))
def test_the_schema_and_the_loader_agree_on_rules(rule: dict[str, Any]) -> None:
    content = {"layer_settings": {"conv_1": {"quantization_settings": rule}}}
    assert is_valid(json_schema(), content) == _is_accepted(content)


@given(
    st.sampled_from(["layer_settings", "training_settings", "quantization_settings", "x", ""]) | names(),
    _ODD_VALUES,
)
def test_the_schema_and_the_loader_agree_on_the_shape(key: str, value: Any) -> None:
    for content in (
        value,
        {key: value},
        {"layer_settings": {key: value}},
        {"layer_settings": {"a": {key: value}}},
    ):
        assert is_valid(json_schema(), content) == _is_accepted(content), content


@given(all_settings())
def test_saved_settings_hold_under_the_schema(settings: Settings) -> None:
    assert is_valid(json_schema(), settings.to_json())


def test_the_schema_is_json_with_a_dialect_and_describes_every_key() -> None:
    schema = json.loads(json.dumps(json_schema()))
    assert schema["$schema"] == DIALECT == "https://json-schema.org/draft/2020-12/schema"
    sections = schema["anyOf"][1]["properties"]
    assert list(sections) == [*SECTIONS, "layer_settings"]
    for name, section in SECTIONS.items():
        keys = sections[name]["anyOf"][1]["properties"]
        assert list(keys) == list(section.keys)
        assert all(key["description"] and "default" in key for key in keys.values())


def test_the_validator_of_these_tests_tells_right_from_wrong() -> None:
    assert is_valid(json_schema(), json.loads(EXAMPLE_JSON))
    assert not is_valid(json_schema(), {"training_settings": {"stats_steps": "20"}})
    assert not is_valid(json_schema(), {"training_setting": {}})

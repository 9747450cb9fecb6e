"""The JSON Schema of the settings file, made from the same declarations that check it.

Editors complete and check with it. It says what `clika_core.settings.load` says of types, ranges and
combinations; it cannot see duplicate keys, and does not offer the names that keys had in older releases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clika_core.settings.layer import LayerQuantizationSettings
from clika_core.settings.name_types import name_schema
from clika_core.settings.sections import SECTIONS
from clika_core.settings.setting import Setting
from clika_core.settings.value_type import JsonSchema

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> JsonSchema:
    """The schema, draft 2020-12."""
    sections = {
        name: {"description": section.description, "anyOf": [{"type": "null"}, _keys(section.keys)]}
        for name, section in SECTIONS.items()
    }
    return {
        "$schema": DIALECT,
        "title": "Settings of clika-core",
        "description": "What to quantize, and how.",
        "anyOf": [{"type": "null"}, _object({**sections, "layer_settings": _layer_settings()})],
    }


def _layer_settings() -> JsonSchema:
    """Selectors with what is said about their layers."""
    rule = {"description": LayerQuantizationSettings.description, **_keys(LayerQuantizationSettings.keys)}
    rule["allOf"] = [_needs_skip("skip_quantization_until"), _needs_skip("skip_quantization_downstream")]
    rule["not"] = {"allOf": [_has("skip_quantization_until"), _has("skip_quantization_downstream")]}
    layers = {
        "type": "object",
        "propertyNames": name_schema(),
        "additionalProperties": _object({"quantization_settings": rule}),
    }
    return {
        "description": "Rules for layers, by name, path, glob or type.",
        "anyOf": [{"type": "null"}, layers],
    }


def _needs_skip(key: str) -> JsonSchema:
    """`key` stands only beside `skip_quantization: true`."""
    skips = {"required": ["skip_quantization"], "properties": {"skip_quantization": {"const": True}}}
    return {"if": _has(key), "then": skips}


def _has(key: str) -> JsonSchema:
    """`key` is there and says something."""
    return {"required": [key], "properties": {key: {"not": {"enum": [None, False]}}}}


def _keys(keys: Mapping[str, Setting[Any]]) -> JsonSchema:
    """An object with these keys, each with description and default."""
    return _object({name: _key(setting) for name, setting in keys.items()})


def _key(setting: Setting[Any]) -> JsonSchema:
    return {"description": setting.description, "default": setting.default, **setting.value_type.schema()}


def _object(properties: JsonSchema) -> JsonSchema:
    return {"type": "object", "properties": properties, "additionalProperties": False}

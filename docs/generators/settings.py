"""The page of settings: every key with its type, default and meaning."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from clika_core.settings.layer import LayerQuantizationSettings
from clika_core.settings.sections import SECTIONS
from clika_core.settings.setting import Setting
from docs.generators.markdown import code, page, table

_INTRODUCTION = """\
A settings file is YAML, TOML or JSON with these sections; every key is optional, and an unknown one is an
error that offers the nearest. [settings.schema.json](settings.schema.json) says the same to editors, and
`clika settings` prints a file to start from. In Python the sections are attributes of
`clika_core.Settings()`."""
_RULES = """\
## layer_settings

A mapping of selectors to what is said of the layers they select, under `quantization_settings`. A selector is
a layer's name, an alias, a path, a glob, or one of `name:`, `path:`, `glob:`, `re:`, `op:` with what follows.
In Python: `settings.set_quantization_settings_for_layer(selector, LayerQuantizationSettings(...))`."""


def page_text() -> str:
    """The page."""
    sections = [f"## {name}\n\n{kind.description}\n\n{_keys(kind.keys)}" for name, kind in SECTIONS.items()]
    return page("Settings", _INTRODUCTION, *sections, _RULES, _keys(LayerQuantizationSettings.keys))


def _keys(keys: Mapping[str, Setting[Any]]) -> str:
    rows = [
        (code(name), setting.value_type.expected, code(json.dumps(setting.default)), setting.description)
        for name, setting in keys.items()
    ]
    return table(("key", "takes", "default", "meaning"), rows)

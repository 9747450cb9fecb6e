"""How YAML, JSON and TOML write names and values."""

from __future__ import annotations

import json
import re

from clika_core.settings.load import Format

_PLAIN_YAML = re.compile(r"[A-Za-z_][A-Za-z0-9_./]*(?:-[A-Za-z0-9_./]+)*")
_BARE_TOML = re.compile(r"[A-Za-z0-9_-]+")
_YAML_WORDS = frozenset(
    "null true false yes no on off y n".split()
)  # words that some reader takes for values


def spell_name(name: str, syntax: Format) -> str:
    """`name` as a key, or as text in YAML; quoted where it has to be."""
    if syntax is Format.YAML and _PLAIN_YAML.fullmatch(name) and name.lower() not in _YAML_WORDS:
        return name
    if syntax is Format.TOML and _BARE_TOML.fullmatch(name):
        return name
    return json.dumps(name, ensure_ascii=False)


def spell_like(old: str, name: str, syntax: Format) -> str:
    """`name` in the quotes that `old`, the characters it replaces, has."""
    if old.startswith("'") and "\n" not in name and not (syntax is Format.TOML and "'" in name):
        return "'" + name.replace("'", "''") + "'"
    if old.startswith('"'):
        return json.dumps(name, ensure_ascii=False)
    return spell_name(name, syntax)


def spell_value(value: object, syntax: Format) -> str:
    """A bool, number, text, list of texts or null, on one line."""
    if value is None or isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(spell_value(item, syntax) for item in value) + "]"
    text = str(value)
    return spell_name(text, syntax) if syntax is Format.YAML else json.dumps(text, ensure_ascii=False)

"""Writes settings files: YAML with every key described, or JSON. Reading the file gives equal settings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from clika_core.errors import OutputError, SettingsError
from clika_core.files import write_whole
from clika_core.settings.load import Format, format_of
from clika_core.settings.model import Settings
from clika_core.settings.rule import LayerRule
from clika_core.settings.sections import SECTIONS

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*")
_NOT_PLAIN = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
_ESCAPED = re.compile("[\u2028\u2029\ufeff\ufffe\uffff]")  # what YAML wants escaped and JSON does not
_COMMENT_COLUMN = 48


def save_settings(settings: Settings, path: str | Path) -> None:
    """Write `settings`; the suffix says the format. The file is written beside and renamed.

    Raises SettingsError for a suffix other than `.yaml`, `.yml`, `.json`, OutputError if writing fails.
    """
    syntax = format_of(path)
    if syntax is Format.TOML:
        raise SettingsError(
            f"settings cannot be saved as {str(path)!r}",
            found="TOML, which has no null",
            expected=".yaml, .yml or .json",
        )
    text = json_text(settings) if syntax is Format.JSON else yaml_text(settings)
    _write(Path(path), text)


def json_text(settings: Settings) -> str:
    """The content of a JSON settings file."""
    return json.dumps(settings.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def yaml_text(settings: Settings) -> str:
    """The content of a YAML settings file: all keys with their descriptions, then the rules."""
    return "\n".join([*_section_lines(settings), *_rule_lines(settings)]) + "\n"


def _section_lines(settings: Settings) -> Iterator[str]:
    for name in SECTIONS:
        section = settings.section(name)
        yield f"{name}:"
        values = section.to_json()
        for key, setting in section.keys.items():
            yield f"{f'  {key}: {_value(values[key])}':<{_COMMENT_COLUMN}}  # {setting.description}"


def _rule_lines(settings: Settings) -> Iterator[str]:
    yield "layer_settings:" if settings.rules else "layer_settings: {}"
    for rule in settings.rules:
        yield from _lines_of(rule)


def _lines_of(rule: LayerRule) -> Iterator[str]:
    values = rule.settings.to_json()
    yield f"  {_text(rule.selector)}:"
    yield "    quantization_settings:" if values else "    quantization_settings: {}"
    for key, value in values.items():
        yield f"      {key}: {_value(value)}"


def _value(value: object) -> str:
    """`value` on one line of YAML."""
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return _text(value)
    text = json.dumps(value, allow_nan=False)
    is_bare = isinstance(value, float) and "." not in text
    return text.replace("e", ".0e") if is_bare else text  # YAML 1.1 takes 1e-05 for text


def _text(text: str) -> str:
    """`text` plain where every YAML reader takes it for text, else in double quotes."""
    if _PLAIN.fullmatch(text) and text.lower() not in _NOT_PLAIN:
        return text
    return _ESCAPED.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


def _write(path: Path, text: str) -> None:
    """Write `text` so that `path` holds either its old content or all of the new one."""
    try:
        write_whole(path.resolve(), text)  # a link stays a link
    except OSError as error:
        raise OutputError(f"cannot write {str(path)!r}", found=error.strerror) from None

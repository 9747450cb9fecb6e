"""New entries for a settings file: as lines of a block, or between brackets."""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.settings.document import MappingNode
from clika_core.settings.load import Format
from clika_linter.extent import after_line, end_of, end_of_entry, indentation, line_break_of
from clika_linter.finding import Edit
from clika_linter.spelling import spell_name, spell_value


def layers_text(values: Mapping[str, object], own: str, step: str, newline: str) -> str:
    """Nested mappings as YAML blocks, each line indented by `own` and more."""
    lines = ""
    for key, value in values.items():
        head = f"{own}{spell_name(key, Format.YAML)}:"
        if isinstance(value, Mapping):
            lines += head + newline + layers_text(value, own + step, step, newline)
        else:
            lines += f"{head} {spell_value(value, Format.YAML)}{newline}"
    return lines


def rule_text(values: Mapping[str, object], newline: str) -> str:
    """The lines of a TOML table."""
    pairs = values.items()
    return "".join(f"{spell_name(k, Format.TOML)} = {spell_value(v, Format.TOML)}{newline}" for k, v in pairs)


def insert_block(
    text: str, mapping: MappingNode, values: Mapping[str, object], step: str
) -> tuple[Edit, ...] | None:
    """Lines after the last entry of a block mapping."""
    last = max(mapping.entries, key=lambda entry: entry.key_span.start if entry.key_span else -1)
    own = indentation(text, last.key_span) if last.key_span else None
    end = end_of_entry(last, text)
    if own is None or end is None:
        return None
    newline = line_break_of(text)
    at = after_line(text, end)
    gap = "" if at == 0 or text[at - 1] in "\r\n" else newline
    return (Edit(at, at, gap + layers_text(values, own, step, newline)),)


def insert_flow(
    text: str, mapping: MappingNode, values: Mapping[str, object], syntax: Format
) -> tuple[Edit, ...] | None:
    """Entries before the closing bracket, laid out as the entries before them."""
    if not mapping.entries:
        end = end_of(mapping, text)
        start = mapping.span.start if mapping.span else None
        return (
            None if end is None or start is None else (Edit(start, end, "{" + _pairs(values, syntax) + "}"),)
        )
    last = max(mapping.entries, key=lambda entry: entry.key_span.start if entry.key_span else -1)
    own = indentation(text, last.key_span) if last.key_span else None
    end = end_of_entry(last, text)
    if end is None:
        return None
    gap = " " if own is None else line_break_of(text) + own
    return (Edit(end, end, f",{gap}{_pairs(values, syntax)}"),)


def _pairs(values: Mapping[str, object], syntax: Format) -> str:
    found = []
    for key, value in values.items():
        shown = (
            "{" + _pairs(value, syntax) + "}" if isinstance(value, Mapping) else spell_value(value, syntax)
        )
        found.append(f"{spell_name(key, syntax)}: {shown}")
    return ", ".join(found)

"""Laws over random settings and random files."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from clika_core.errors import SettingsError
from clika_core.settings import Settings
from clika_core.settings.interpret import interpret
from clika_core.settings.load import Format, parse_settings, read_document
from clika_core.settings.save import json_text, yaml_text
from tests.core.settings.strategies import EXAMPLES, all_settings
from tests.spending import at_most

_PIECES = [
    "\t", " ", "\n", "\r", ":", "- ", "[", "]", "{", "}", "&a ", "*a", "<<: ", "!!x ", "#", "'", '"', "\\", "\0",
    "---\n", "? ", "|\n", ">", "null", "yes", "1e9", ".inf", "é", "😀", "\ufeff", "\u2028", "=", ".", '"""',
]  # fmt: skip


@given(all_settings())
def test_writing_and_reading_changes_nothing(settings: Settings) -> None:
    assert parse_settings(yaml_text(settings)) == settings
    assert parse_settings(json_text(settings), format=Format.JSON) == settings


@given(all_settings())
def test_the_rules_keep_their_order(settings: Settings) -> None:
    assert parse_settings(yaml_text(settings)).rules == settings.rules


@given(all_settings())
def test_other_readers_see_what_was_written(settings: Settings) -> None:
    assert json.loads(json_text(settings)) == settings.to_json()
    assert yaml.safe_load(yaml_text(settings)) == settings.to_json()


@st.composite
def _mutations(draw: st.DrawFn, syntax: str) -> str:
    """A valid file with pieces inserted, removed and repeated."""
    text = EXAMPLES[syntax]
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(start + 20, len(text))))
        piece = draw(st.sampled_from(_PIECES) | st.text(max_size=5) | st.just(text[start:end] * 3))
        text = text[:start] + piece + text[end:]
    return text


@pytest.mark.parametrize("syntax", EXAMPLES)
@given(data=st.data())
def test_a_damaged_file_is_read_or_refused_and_never_slow(syntax: str, data: st.DataObject) -> None:
    text = data.draw(_mutations(syntax))
    with at_most(1):
        outcome = _outcome(text, syntax)
    if isinstance(outcome, Settings):
        assert parse_settings(yaml_text(outcome)) == outcome
    else:
        assert outcome.startswith(("s:", "the settings have ", "invalid value of "))


@pytest.mark.parametrize("syntax", EXAMPLES)
@given(data=st.data())
def test_the_places_of_problems_lie_in_the_file(syntax: str, data: st.DataObject) -> None:
    document = read_document(data.draw(_mutations(syntax)), "f", syntax)
    _, problems = interpret(document)
    for problem in problems:
        if problem.span is not None:
            assert 0 <= problem.span.start <= problem.span.end <= len(document.source.text) + 1
        if problem.location is not None:
            assert 1 <= problem.location.line <= len(document.source.lines)
            assert problem.location.column <= len(document.source.lines[problem.location.line - 1]) + 2


@given(st.text(), st.sampled_from(list(Format)))
def test_any_text_is_read_or_refused(text: str, syntax: Format) -> None:
    assert _outcome(text, syntax)


def _outcome(text: str, syntax: str) -> Settings | str:
    """The settings that a text says, or the message; anything else that is raised fails the test."""
    try:
        return parse_settings(text, "s", syntax)
    except SettingsError as error:
        return str(error)


@given(st.data())
def test_a_replacement_mends_its_problem(data: st.DataObject) -> None:
    """What a tool does for `--fix`: cut the span out, put the replacement in."""
    keys = ["stats_steps", "learning_rate", "skip_quantization:", "quantization_sensitivity_threshold"]
    key = data.draw(st.sampled_from(keys))
    text = EXAMPLES["yaml"].replace(key, key.replace("t", "tt", 1), 1)
    document = read_document(text, "f")
    (problem,) = interpret(document)[1]
    assert problem.span is not None
    assert problem.replacement is not None
    mended = text[: problem.span.start] + problem.replacement + text[problem.span.end :]
    assert mended == EXAMPLES["yaml"]

"""`clika settings`: it prints a settings file; the schema is published, and jsonschema agrees with the loader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from clika_core.settings.interpret import interpret
from clika_core.settings.load import Format, load_settings, parse_settings, read_document
from clika_core.settings.model import Settings
from clika_core.settings.schema import json_schema
from clika_core.settings.sections import SECTIONS
from tests.core.cli.conftest import Clika
from tests.core.settings.strategies import EXAMPLE_JSON, all_settings

PUBLISHED = Path(__file__).parents[3] / "docs" / "reference" / "settings.schema.json"
VALIDATOR = jsonschema.Draft202012Validator(json_schema())


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_it_prints_are_the_defaults(clika: Clika, form: str) -> None:
    outcome = clika("settings", "--format", form)
    assert outcome.code == 0
    assert parse_settings(outcome.out, format=form) == Settings()
    for section, kind in SECTIONS.items():
        assert all(key in outcome.out for key in (section, *kind.keys))


def test_a_file_is_completed_with_the_defaults(clika: Clika) -> None:
    Path("s.toml").write_text("[training_settings]\nstats_steps = 7\n")
    Path("full.yaml").write_text(clika("settings", "-s", "s.toml").out)
    assert load_settings("full.yaml") == load_settings("s.toml")
    assert "stats_steps: 7" in Path("full.yaml").read_text()


def test_the_published_schema_is_the_one_in_force(clika: Clika) -> None:
    outcome = clika("settings", "--schema")
    assert json.loads(outcome.out) == json_schema()
    assert PUBLISHED.read_text() == outcome.out, (
        "renew it: clika settings --schema > docs/reference/settings.schema.json"
    )


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema())


@given(all_settings())
def test_every_settings_file_that_is_written_is_valid(settings: Settings) -> None:
    VALIDATOR.validate(settings.to_json())


def test_the_example_of_the_contract_is_valid() -> None:
    VALIDATOR.validate(json.loads(EXAMPLE_JSON))


WRONG: tuple[dict[str, Any], ...] = (
    {"training_settings": {"stat_steps": 3}},
    {"training_settings": {"stats_steps": "many"}},
    {"training_settings": {"stats_steps": -1}},
    {"global_quantization_settings": {"weights_num_bits": 1}},
    {"global_quantization_settings": {"method": "both"}},
    {"global_quantization_settings": {"observer": 3}},
    {"layer_settings": {"x": {"quantization_settings": {"skip_quantization_until": ["y"]}}}},
    {"layer_settings": {"x": {"skip_quantization": True}}},
    {"quantisation": {}},
    {"deployment_settings": {"cpu": "z80"}},
)


@pytest.mark.parametrize("content", WRONG, ids=lambda content: json.dumps(content)[:60])
def test_what_the_loader_refuses_an_editor_marks(content: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(content)
    assert interpret(read_document(json.dumps(content), "s.json", Format.JSON))[1]

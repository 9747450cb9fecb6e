"""Edits do what they claim: the edited text reads as the settings that were wanted, and keeps everything else."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika_core.settings.interpret import interpret
from clika_core.settings.load import read_document
from clika_core.settings.model import Settings
from clika_linter.editing import Editor, Edits
from clika_linter.fixing import apply_edits
from clika_linter.places import Places

BLOCK = """\
# the model of last year
global_quantization_settings:
  weights_num_bits: 8 # as always
  skip_tail_quantization: null
layer_settings:
  # noisy
  conv_1: # first
    quantization_settings:
      skip_quantization: true
      skip_quantization_until: [conv_2, 'conv_3'] # both
  "conv 4":
    quantization_settings: {skip_quantization: false, weights_num_bits: 4}

training_settings: {num_epochs: 3}
"""
JSON = json.dumps(
    {
        "global_quantization_settings": {"weights_num_bits": 8, "skip_tail_quantization": None},
        "layer_settings": {
            "conv_1": {
                "quantization_settings": {
                    "skip_quantization": True,
                    "skip_quantization_until": ["conv_2", "conv_3"],
                }
            },
            "conv 4": {"quantization_settings": {"skip_quantization": False, "weights_num_bits": 4}},
        },
        "training_settings": {"num_epochs": 3},
    },
    indent=2,
)
FLOW = json.dumps(json.loads(JSON)) + "\n"
TOML = """\
[global_quantization_settings]
weights_num_bits = 8
[layer_settings.conv_1.quantization_settings]
skip_quantization = true
skip_quantization_until = ["conv_2", "conv_3"]
[layer_settings."conv 4".quantization_settings]
skip_quantization = false
weights_num_bits = 4
[training_settings]
num_epochs = 3
"""
CRLF = BLOCK.replace("\n", "\r\n")
SYNTAXES = {"block": (BLOCK, "yaml"), "crlf": (CRLF, "yaml"), "flow": (FLOW, "yaml"), "json": (JSON, "json")}


def read(text: str, syntax: str) -> Settings:
    """The settings in a text, which must be right."""
    settings, problems = interpret(read_document(text, f"s.{syntax}", syntax))
    assert problems == ()
    return settings


def edit(text: str, syntax: str, action: Callable[[Editor], Edits | None]) -> str | None:
    """The text after an edit; None where it cannot be made."""
    edits = action(Editor(Places(read_document(text, f"s.{syntax}", syntax))))
    return None if edits is None else apply_edits(text, [edits])


def edited(name: str, action: Callable[[Editor], Edits | None]) -> dict[str, object]:
    """What one of the `SYNTAXES` says after an edit, as JSON values."""
    text, syntax = SYNTAXES[name]
    after = edit(text, syntax, action)
    assert after is not None
    assert ("\r\n" in after) == ("\r\n" in text)
    assert after.replace("\r\n", "").count("\r") == 0
    return read(after, syntax).to_json()


def expected(**changes: object) -> dict[str, object]:
    """What all of the `SYNTAXES` say, with some keys replaced."""
    return read(BLOCK, "yaml").to_json() | changes


def layers() -> dict[str, dict[str, dict[str, object]]]:
    """The rules of all the `SYNTAXES`."""
    found: dict[str, dict[str, dict[str, object]]] = read(BLOCK, "yaml").to_json()["layer_settings"]
    return found


@pytest.mark.parametrize("name", SYNTAXES)
@pytest.mark.parametrize("selector", ["conv_1", "conv 4"])
def test_removing_a_rule_leaves_the_others(name: str, selector: str) -> None:
    left = {key: value for key, value in layers().items() if key != selector}
    assert edited(name, lambda editor: editor.remove_rule(selector)) == expected(layer_settings=left)


@pytest.mark.parametrize("name", SYNTAXES)
@pytest.mark.parametrize("key", ["skip_quantization_until", "skip_quantization"])
def test_removing_a_key_of_a_rule_leaves_its_other_keys(name: str, key: str) -> None:
    selector = "conv_1" if key.endswith("until") else "conv 4"
    left = layers()
    del left[selector]["quantization_settings"][key]
    assert edited(name, lambda editor: editor.remove_field(selector, key)) == expected(layer_settings=left)


@pytest.mark.parametrize("name", SYNTAXES)
def test_removing_every_key_of_a_rule_removes_the_rule(name: str) -> None:
    left = {key: value for key, value in layers().items() if key != "conv 4"}
    keys = ("skip_quantization", "weights_num_bits")
    assert edited(name, lambda editor: editor.remove_field("conv 4", *keys)) == expected(layer_settings=left)


@pytest.mark.parametrize("name", SYNTAXES)
def test_adding_a_rule_puts_it_beside_the_others(name: str) -> None:
    new = {"skip_quantization": True, "skip_quantization_until": ["no", "1.10"]}
    more = {**layers(), "re:a.*b: c": {"quantization_settings": new}}
    assert edited(name, lambda editor: editor.add_rule("re:a.*b: c", new)) == expected(layer_settings=more)


@pytest.mark.parametrize("name", SYNTAXES)
@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("training_settings", "num_epochs", 7),
        ("training_settings", "stats_steps", 9),
        ("global_quantization_settings", "skip_tail_quantization", False),
        ("global_quantization_settings", "observer", "mse"),
        ("deployment_settings", "target_framework", "tflite"),
    ],
)
def test_setting_a_key_replaces_it_or_adds_it_or_its_section(
    name: str, section: str, key: str, value: object
) -> None:
    after = edited(name, lambda editor: editor.set_key(section, key, value))
    assert after == expected(**{section: {**after[section], key: value}})  # type: ignore[dict-item]
    assert after[section][key] == value  # type: ignore[index]


@pytest.mark.parametrize("name", SYNTAXES)
@pytest.mark.parametrize("key", ["skip_quantization", "activations_num_bits"])
def test_setting_a_key_of_a_rule_replaces_or_adds_it(name: str, key: str) -> None:
    value: object = True if key == "skip_quantization" else 4
    more = layers()
    more["conv 4"]["quantization_settings"][key] = value
    assert edited(name, lambda editor: editor.set_field("conv 4", key, value)) == expected(
        layer_settings=more
    )


def test_an_edit_keeps_comments_order_and_quotes_of_everything_else() -> None:
    after = edit(BLOCK, "yaml", lambda editor: editor.remove_rule("conv_1"))
    first, last = BLOCK.index("  conv_1"), BLOCK.index('  "conv 4"')
    assert after == BLOCK[:first] + BLOCK[last:]
    after = edit(
        BLOCK, "yaml", lambda editor: editor.set_key("global_quantization_settings", "weights_num_bits", 4)
    )
    assert after == BLOCK.replace("weights_num_bits: 8 #", "weights_num_bits: 4 #")


def test_a_new_name_has_the_quotes_of_the_old_one() -> None:
    for old, new in (("conv_1", "conv_9"), ("'conv_1'", "'conv_9'"), ('"conv_1"', '"conv_9"')):
        text = f"layer_settings: {{{old}: {{quantization_settings: {{skip_quantization: true}}}}}}\n"
        place = Places(read_document(text, "s.yaml")).rules["conv_1"]
        after = edit(text, "yaml", lambda editor, p=place: editor.replace_name(p.selector_span, "conv_9"))  # type: ignore[misc]
        assert after == text.replace(old, new)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1).filter(str.strip))
def test_any_name_can_be_put_in_place_of_a_plain_one(name: str) -> None:
    for text, syntax in (
        ("layer_settings: {conv_1: }", "yaml"),
        ('{"layer_settings": {"conv_1": null}}', "json"),
    ):
        place = Places(read_document(text, f"s.{syntax}", syntax)).rules["conv_1"]
        after = edit(text, syntax, lambda editor, p=place: editor.replace_name(p.selector_span, name))  # type: ignore[misc]
        assert after is not None
        assert list(Places(read_document(after, f"s.{syntax}", syntax)).rules) == [name]


SHARED = """\
layer_settings:
  conv_1: &skip
    quantization_settings: {skip_quantization: true}
  conv_2: *skip
"""
MERGED = """\
layer_settings:
  conv_1:
    quantization_settings: &skip {skip_quantization: true, weights_num_bits: 4}
  conv_2:
    quantization_settings: {<<: *skip}
"""


@pytest.mark.parametrize(
    ("text", "action"),
    [
        (SHARED, lambda editor: editor.remove_rule("conv_1")),
        (SHARED, lambda editor: editor.set_field("conv_1", "skip_quantization", False)),
        (SHARED, lambda editor: editor.remove_field("conv_2", "skip_quantization")),
        (MERGED, lambda editor: editor.remove_field("conv_1", "weights_num_bits")),
        (MERGED, lambda editor: editor.set_field("conv_2", "weights_num_bits", 8)),
        ("layer_settings: [1]\n", lambda editor: editor.add_rule("conv_1", {"skip_quantization": True})),
        ("- 1\n", lambda editor: editor.set_key("training_settings", "num_epochs", 1)),
        ('"text"', lambda editor: editor.add_rule("conv_1", {"skip_quantization": True})),
    ],
)
def test_what_would_change_something_else_too_is_not_edited(
    text: str, action: Callable[[Editor], Edits | None]
) -> None:
    assert edit(text, "yaml", action) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# nothing\n",
        "layer_settings:\n",
        "layer_settings: {}",
        "layer_settings: # none\n",
        "a_comment: 1 # no end",
    ],
)
def test_a_first_rule_can_be_added_to_almost_nothing(text: str) -> None:
    after = edit(text, "yaml", lambda editor: editor.add_rule("conv_1", {"skip_quantization": True}))
    assert after is not None
    (rule,) = interpret(read_document(after, "s.yaml"))[0].rules
    assert rule.selector == "conv_1"
    assert after.startswith(text.split(":")[0])
    assert after.count("#") == text.count("#")


def test_toml_gets_new_rules_as_tables_and_keeps_what_it_has() -> None:
    after = edit(TOML, "toml", lambda editor: editor.add_rule("a.b", {"skip_quantization": True}))
    assert after is not None
    assert after.startswith(TOML)
    rules = {rule.selector: rule.settings.to_json() for rule in read(after, "toml").rules}
    assert rules["a.b"] == {"skip_quantization": True}
    assert len(rules) == 3


def test_toml_values_without_a_known_place_are_let_be() -> None:
    assert edit(TOML, "toml", lambda editor: editor.remove_rule("conv_1")) is None
    assert edit(TOML, "toml", lambda editor: editor.set_field("conv_1", "skip_quantization", False)) is None

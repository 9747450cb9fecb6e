"""`LayerQuantizationSettings` and the rules made of them."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.errors import Location, SettingsError
from clika_core.settings import LayerQuantizationSettings, LayerRule, Settings


def test_nothing_is_set_by_default() -> None:
    rule = LayerQuantizationSettings()
    assert rule.skip_quantization is None
    assert rule.skip_quantization_until is None
    assert rule.skip_quantization_downstream is None
    assert rule.weights_num_bits is None
    assert rule.activations_num_bits is None
    assert rule.on_unmatched == "error"
    assert rule.to_json() == {}


def test_a_single_target_is_a_list_of_one() -> None:
    single = LayerQuantizationSettings(skip_quantization=True, skip_quantization_until="linear_5")
    listed = LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["linear_5"])
    assert single.skip_quantization_until == ("linear_5",)
    assert single == listed
    assert hash(single) == hash(listed)


def test_the_list_given_can_change_afterwards_without_effect() -> None:
    targets = ["linear_5"]
    rule = LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=targets)
    targets.append("linear_6")
    assert rule.skip_quantization_until == ("linear_5",)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (
            {"skip_quantization_until": ["b"]},
            "skip_quantization_until with skip_quantization unset",
        ),
        (
            {"skip_quantization": False, "skip_quantization_until": "b"},
            "skip_quantization_until with skip_quantization false",
        ),
        (
            {"skip_quantization_downstream": True},
            "skip_quantization_downstream with skip_quantization unset",
        ),
        (
            {"skip_quantization": True, "skip_quantization_until": "b", "skip_quantization_downstream": True},
            "skip_quantization_until and skip_quantization_downstream together",
        ),
    ],
)
def test_contradictions_are_refused(values: dict[str, Any], found: str) -> None:
    with pytest.raises(SettingsError) as caught:
        LayerQuantizationSettings(**values)
    assert caught.value.found == found
    assert caught.value.fix


@pytest.mark.parametrize(
    "values",
    [
        {"skip_quantization_downstream": False},
        {"skip_quantization": False, "skip_quantization_downstream": False},
        {"skip_quantization": True, "skip_quantization_until": "b", "skip_quantization_downstream": False},
    ],
)
def test_a_downstream_of_false_contradicts_nothing(values: dict[str, Any]) -> None:
    assert LayerQuantizationSettings(**values).skip_quantization_downstream is False


@pytest.mark.parametrize(
    "values",
    [
        {"skip_quantization": 1},
        {"skip_quantization": "true"},
        {"skip_quantization": True, "skip_quantization_until": []},
        {"skip_quantization": True, "skip_quantization_until": ""},
        {"skip_quantization": True, "skip_quantization_until": ["a", " "]},
        {"skip_quantization": True, "skip_quantization_until": 5},
        {"weights_num_bits": True},
        {"weights_num_bits": 8.0},
        {"activations_num_bits": 1},
        {"on_unmatched": None},
        {"on_unmatched": "warning"},
    ],
)
def test_wrong_types_and_ranges_are_refused_at_the_line_of_the_call(values: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match=r"quantization_settings\.\w+") as caught:
        LayerQuantizationSettings(**values)
    assert caught.value.location is not None
    assert caught.value.location.file == __file__


def test_the_settings_of_a_layer_cannot_be_changed() -> None:
    rule = LayerQuantizationSettings()
    with pytest.raises(SettingsError, match="make a new one with skip_quantization=True"):
        rule.skip_quantization = True
    assert rule == LayerQuantizationSettings()


def test_rules_keep_their_order_and_the_last_of_one_name_replaces_the_first() -> None:
    settings = Settings()
    skip, keep = (
        LayerQuantizationSettings(skip_quantization=True),
        LayerQuantizationSettings(weights_num_bits=4),
    )
    for name, rule in (("a", skip), ("b", skip), ("a", keep)):
        settings.set_quantization_settings_for_layer(name, rule)
    assert settings.rules == (LayerRule("b", skip), LayerRule("a", keep))
    assert settings.layer_settings["a"].quantization_settings.weights_num_bits == 4


def test_the_order_of_rules_does_not_matter_for_equality() -> None:
    skip, keep = (
        LayerQuantizationSettings(skip_quantization=True),
        LayerQuantizationSettings(weights_num_bits=4),
    )
    first, second = Settings(), Settings()
    for name, rule in (("a", skip), ("b", keep)):
        first.set_quantization_settings_for_layer(name, rule)
    for name, rule in (("b", keep), ("a", skip)):
        second.set_quantization_settings_for_layer(name, rule)
    assert first == second
    second.set_quantization_settings_for_layer("a", keep)
    assert first != second


def test_a_rule_made_in_python_has_the_place_of_the_call() -> None:
    settings = Settings()
    settings.set_quantization_settings_for_layer("a", LayerQuantizationSettings(skip_quantization=True))
    (rule,) = settings.rules
    assert rule.location is not None
    assert rule.location.file == __file__
    assert rule.location_of("skip_quantization") == rule.location
    assert rule.field_locations == {}


def test_the_place_of_a_list_entry_is_as_exact_as_it_is_known() -> None:
    whole, entry, layer = Location("f", 3), Location("f", 3, 9), Location("f", 1)
    places = {"skip_quantization_until": whole, "skip_quantization_until[0]": entry}
    rule = LayerRule("a", LayerQuantizationSettings(), layer, places)
    assert rule.location_of("skip_quantization_until[0]") == entry
    assert rule.location_of("skip_quantization_until[1]") == whole
    assert rule.location_of("skip_quantization") == layer


@pytest.mark.parametrize("name", ["", " ", 5, None, "a\0b", "\ud800"])
def test_what_cannot_name_a_layer_is_refused(name: Any) -> None:
    with pytest.raises(SettingsError, match="invalid value of the first argument"):
        Settings().set_quantization_settings_for_layer(name, LayerQuantizationSettings())


def test_settings_given_as_a_mapping_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"expected: LayerQuantizationSettings\(\.\.\.\)"):
        Settings().set_quantization_settings_for_layer("a", {"skip_quantization": True})  # type: ignore[arg-type]

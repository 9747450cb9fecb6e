"""Targets, backends and observers are found by name; a wrong name gets the nearest ones."""

from __future__ import annotations

import pytest

from clika_core.errors import ModelError, PluginError, SettingsError, TargetError
from clika_core.plugins import registry
from clika_core.targets.ort import ORT


def test_a_target_is_found_by_name_and_stands_for_itself() -> None:
    assert registry.find_target("ort") is ORT
    assert registry.find_target(ORT) is ORT


def test_an_unknown_target_gets_the_nearest_name() -> None:
    with pytest.raises(TargetError, match="did you mean 'ort'"):
        registry.find_target("orx")


def test_an_unknown_observer_gets_the_names_there_are() -> None:
    with pytest.raises(SettingsError, match="min_max"):
        registry.observer_named("minmax")


def test_something_that_is_no_model_is_said_to_be_none() -> None:
    with pytest.raises(ModelError, match=r"no backend takes a builtins\.int"):
        registry.find_backend(3)


def test_two_plugins_with_one_target_name_are_both_named(monkeypatch: pytest.MonkeyPatch) -> None:
    class Twice:
        def collect(self, _: str) -> list[tuple[str, object]]:
            return [("first", ORT), ("second", ORT)]

    monkeypatch.setattr(registry, "plugins", Twice)
    with pytest.raises(PluginError, match="'first' and 'second' both register 'ort'"):
        registry._by_name("clika_register_targets", lambda target: str(target.name))

"""`Settings`: everything a user can decide, as sections with attributes and rules for layers.

Start reading at `clika_core.settings.sections` for the keys, at `clika_core.settings.layer` for the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from clika_core.errors import Location, SettingsError
from clika_core.settings.caller import caller_location
from clika_core.settings.layer import LayerQuantizationSettings
from clika_core.settings.messages import describe
from clika_core.settings.name_types import check_name
from clika_core.settings.rule import LayerRule, LayerSettings
from clika_core.settings.sections import (
    SECTIONS,
    DeploymentSettings,
    DistributedTrainingSettings,
    GlobalQuantizationSettings,
    TrainingSettings,
)
from clika_core.settings.setting import Section, refuse_key
from clika_core.settings.value_type import InvalidValueError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LayerQuantizationSettings", "LayerRule", "LayerSettings", "Settings"]


class Settings:
    """The settings of one compression. `Settings()` holds the defaults.

    Sections and keys are attributes; assigning to one that does not exist, or a value of the wrong type or
    range, raises SettingsError. Two settings are equal when their values and rules are; neither the order of
    rules nor the places where values were written matter.

    >>> settings = Settings()
    >>> settings.global_quantization_settings.quantization_sensitivity_threshold = 0.1
    """

    deployment_settings: DeploymentSettings
    distributed_training_settings: DistributedTrainingSettings
    global_quantization_settings: GlobalQuantizationSettings
    training_settings: TrainingSettings
    _rules: dict[str, LayerRule]

    def __init__(self) -> None:
        """All defaults, no rule."""
        for name, section in SECTIONS.items():
            object.__setattr__(self, name, section())
        object.__setattr__(self, "_rules", {})

    def set_quantization_settings_for_layer(self, name: str, settings: LayerQuantizationSettings) -> None:
        """Set the rule of the selector `name`; an earlier rule of the same text is replaced."""
        location = caller_location()
        try:
            selector = check_name(name, "the name of a layer, or another selector")
        except InvalidValueError as error:
            raise _invalid("the first argument", error.found, error.expected, location) from None
        if not isinstance(settings, LayerQuantizationSettings):
            raise _invalid(
                "the second argument", describe(settings), "LayerQuantizationSettings(...)", location
            )
        self.set_rule(LayerRule(selector, settings, location))

    def set_rule(self, rule: LayerRule) -> None:
        """Add `rule` after the others, in place of an earlier one with the same selector."""
        self._rules.pop(rule.selector, None)
        self._rules[rule.selector] = rule

    @property
    def rules(self) -> tuple[LayerRule, ...]:
        """The rules for layers, in the order in which they were written."""
        return tuple(self._rules.values())

    @property
    def layer_settings(self) -> Mapping[str, LayerSettings]:
        """The rules as the settings file nests them: selector to settings; read only."""
        return MappingProxyType({rule.selector: LayerSettings(rule.settings) for rule in self.rules})

    def section(self, name: str) -> Section:
        """The section of that name; raises SettingsError with the nearest name."""
        if name not in SECTIONS:
            refuse_key("Settings", name, SECTIONS)
        section: Section = getattr(self, name)
        return section

    def location_of(self, section: str, key: str) -> Location | None:
        """Where a key was set, in a file or in Python; None if it has its default or the place is unknown."""
        return self.section(section).location_of(key)

    @property
    def trains(self) -> bool:
        """Whether these settings ask for fine-tuning, where a command can do it."""
        return self.global_quantization_settings.method != "ptq" and self.training_settings.num_epochs > 0

    def to_json(self) -> dict[str, Any]:
        """The content of a settings file: every section with all keys, and what each rule sets."""
        sections = {name: self.section(name).to_json() for name in SECTIONS}
        rules = {rule.selector: {"quantization_settings": rule.settings.to_json()} for rule in self.rules}
        return {**sections, "layer_settings": rules}

    @classmethod
    def load_from_path(cls, path: str | Path) -> Settings:
        """Read a `.yaml`, `.json` or `.toml` file; raises SettingsError naming every problem and its line."""
        from clika_core.settings.load import load_settings

        return load_settings(path)

    def save(self, path: str | Path) -> None:
        """Write a `.yaml` or `.json` file from which `load_from_path` reads equal settings."""
        from clika_core.settings.save import save_settings

        save_settings(self, path)

    def __setattr__(self, name: str, value: object) -> None:
        """Replace a whole section; raises SettingsError for anything else."""
        location = caller_location()
        if name == "layer_settings":
            raise SettingsError(
                "layer_settings cannot be assigned",
                fix="call set_quantization_settings_for_layer(name, LayerQuantizationSettings(...))",
                location=location,
            )
        if name not in SECTIONS:
            refuse_key("Settings", name, {**SECTIONS, "layer_settings": None}, location)
        if not isinstance(value, SECTIONS[name]):
            raise _invalid(name, describe(value), f"{SECTIONS[name].__name__}()", location)
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        """Whether all values and rules are equal, in any order of rules."""
        if not isinstance(other, Settings):
            return NotImplemented
        return self._rules == other._rules and all(self.section(n) == other.section(n) for n in SECTIONS)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """The sections and rules that differ from the defaults."""
        changed = [
            repr(self.section(name)) for name, kind in SECTIONS.items() if self.section(name) != kind()
        ]
        rules = [f"{rule.selector!r}: {rule.settings!r}" for rule in self.rules]
        return f"Settings({', '.join([*changed, *rules])})"


def _invalid(what: str, found: str | None, expected: str | None, location: Location | None) -> SettingsError:
    return SettingsError(f"invalid value of {what}", found=found, expected=expected, location=location)

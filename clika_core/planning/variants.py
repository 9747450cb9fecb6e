"""The same settings with other rules: what-if questions."""

from __future__ import annotations

from collections.abc import Iterable

from clika_core.settings.layer import LayerQuantizationSettings
from clika_core.settings.model import Settings
from clika_core.settings.rule import LayerRule
from clika_core.settings.sections import SECTIONS


def with_rules(settings: Settings, rules: Iterable[LayerRule]) -> Settings:
    """The sections of `settings`, with these rules instead of its own."""
    found = Settings()
    for name in SECTIONS:
        setattr(found, name, settings.section(name))
    for rule in rules:
        found.set_rule(rule)
    return found


def without_rule(settings: Settings, selector: str) -> Settings:
    """Without the rule of that selector."""
    return with_rules(settings, [rule for rule in settings.rules if rule.selector != selector])


def keeping(settings: Settings, layers: Iterable[str]) -> Settings:
    """With an explicit `skip_quantization: false` on each of `layers`, by name, whatever was said of them by name."""
    kept = [
        LayerRule(f"name:{layer}", LayerQuantizationSettings(skip_quantization=False)) for layer in layers
    ]
    names = {rule.selector for rule in kept} | {rule.selector.removeprefix("name:") for rule in kept}
    return with_rules(settings, [*(rule for rule in settings.rules if rule.selector not in names), *kept])

"""Techniques are switched by settings of their own names."""

from __future__ import annotations

from clika_core.quality.techniques import TECHNIQUES, chosen_techniques
from clika_core.settings.model import Settings
from clika_core.settings.sections import GlobalQuantizationSettings


def test_every_technique_has_a_setting_of_its_name_that_is_free_by_default() -> None:
    for name in TECHNIQUES:
        assert GlobalQuantizationSettings.keys[name].default is None


def test_null_means_the_default_and_a_word_is_a_word() -> None:
    settings = Settings().global_quantization_settings
    assert chosen_techniques(settings) == [name for name, found in TECHNIQUES.items() if found.is_default]
    for name in TECHNIQUES:
        setattr(settings, name, False)
    assert chosen_techniques(settings) == []
    for name in TECHNIQUES:
        setattr(settings, name, True)
    assert chosen_techniques(settings) == list(TECHNIQUES)

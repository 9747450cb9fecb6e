"""The names of the product guide: its examples as it prints them, and what is said of names still missing."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import clika_compression
from clika_core.settings import LayerRule

# Both examples of the guide, verbatim.
EXAMPLE_1 = """
from clika_compression import LayerQuantizationSettings, Settings

settings = Settings() # Default settings
settings.set_quantization_settings_for_layer(
"adaptive_avg_pool_1",
LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["linear_5"])
)
"""
EXAMPLE_2 = """
from clika_compression import LayerQuantizationSettings, Settings

settings = Settings() # Default settings
settings.set_quantization_settings_for_layer(
"adaptive_avg_pool_1",
LayerQuantizationSettings(skip_quantization=True, skip_quantization_downstream=True)
)
"""


def _run(program: str, folder: Path) -> dict[str, object]:
    """The names that a program of its own leaves behind."""
    (folder / "example.py").write_text(program, encoding="utf-8")
    return runpy.run_path(str(folder / "example.py"))


def _only_rule(example: str, folder: Path) -> LayerRule:
    settings = _run(example, folder)["settings"]
    assert isinstance(settings, clika_compression.Settings)
    (rule,) = settings.rules
    return rule


def test_the_first_example_sets_a_range(tmp_path: Path) -> None:
    rule = _only_rule(EXAMPLE_1, tmp_path)
    assert rule.selector == "adaptive_avg_pool_1"
    assert rule.settings.to_json() == {"skip_quantization": True, "skip_quantization_until": ["linear_5"]}
    assert rule.location is not None
    assert (rule.location.file, rule.location.line) == (str(tmp_path / "example.py"), 5)


def test_the_second_example_skips_everything_downstream(tmp_path: Path) -> None:
    rule = _only_rule(EXAMPLE_2, tmp_path)
    assert rule.settings.to_json() == {"skip_quantization": True, "skip_quantization_downstream": True}


def test_the_names_are_those_of_the_core() -> None:
    import clika_core.settings

    assert clika_compression.Settings is clika_core.settings.Settings
    assert clika_compression.LayerQuantizationSettings is clika_core.settings.LayerQuantizationSettings


@pytest.mark.parametrize("name", ["clika_compress", "clika_resume", "clika_deploy", "TensorBoardCallback"])
def test_names_of_fine_tuning_say_that_they_are_not_in_this_release(name: str, tmp_path: Path) -> None:
    message = f"clika_compression.{name} is not in this release: it has no fine-tuning yet"
    with pytest.raises(ImportError, match=message):
        _run(f"from clika_compression import {name}", tmp_path)
    with pytest.raises(ImportError, match=message):
        getattr(clika_compression, name)


def test_other_names_are_missing_as_in_any_module(tmp_path: Path) -> None:
    assert not hasattr(clika_compression, "clika_compres")
    with pytest.raises(ImportError, match="cannot import name"):
        _run("from clika_compression import clika_compres", tmp_path)

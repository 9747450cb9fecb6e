"""The names of the product guide: its examples as it prints them, and the functions it speaks of."""

from __future__ import annotations

import inspect
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
def test_names_of_fine_tuning_are_those_of_the_core(name: str, tmp_path: Path) -> None:
    found = _run(f"from clika_compression import {name}", tmp_path)[name]
    assert getattr(found, "__module__", "").startswith("clika_core.")
    assert name in clika_compression.__all__


def test_the_signatures_are_those_that_users_know() -> None:
    expected = {
        "clika_compress": "output_path settings model init_training_dataset_fn init_evaluation_dataset_fn optimizer "
        "training_losses training_metrics evaluation_losses evaluation_metrics callbacks",
        "clika_resume": "clika_state_path init_training_dataset_fn init_evaluation_dataset_fn optimizer "
        "training_losses training_metrics evaluation_losses evaluation_metrics callbacks new_settings "
        "resume_start_epoch",
        "clika_deploy": "clika_state_path output_dir_path input_shapes graph_author graph_description file_suffix",
    }
    for name, arguments in expected.items():
        parameters = inspect.signature(getattr(clika_compression, name)).parameters.values()
        positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
        assert positional == arguments.split()


def test_other_names_are_missing_as_in_any_module(tmp_path: Path) -> None:
    assert not hasattr(clika_compression, "clika_compres")
    with pytest.raises(ImportError, match="cannot import name"):
        _run("from clika_compression import clika_compres", tmp_path)

"""Importing settings is cheap: no arrays, no framework, and no parser until a file is read."""

from __future__ import annotations

import subprocess
import sys

import pytest

_HEAVY = ("numpy", "torch", "tensorflow", "jax", "onnx", "yaml", "tomllib", "difflib", "click", "rich")


@pytest.mark.parametrize("module", ["clika_core.settings", "clika_core.settings.load", "clika_compression"])
def test_importing_settings_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print(*sorted(set({_HEAVY!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_reading_yaml_imports_the_parser_and_no_arrays() -> None:
    code = (
        "import sys; from clika_core.settings.load import parse_settings; parse_settings('a: 1') if 0 else "
        f"parse_settings('training_settings: {{}}'); print(*sorted(set({_HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["yaml"]

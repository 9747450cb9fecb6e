"""Importing what decides loads no framework and no NumPy, measured in fresh processes."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = ("torch", "tensorflow", "jax", "keras", "flax", "numpy", "onnx", "onnxruntime")
REPORT = "; import sys; print(*(name for name in {heavy} if name in sys.modules))"


def heavy_modules_after(statement: str) -> list[str]:
    """The names of `HEAVY` that a fresh interpreter has loaded after running `statement`."""
    script = statement + REPORT.format(heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "module",
    [
        "clika_core",
        "clika_core.ir.snapshot",
        "clika_core.settings.load",
        "clika_core.planning.plan",
        "clika_core.targets.registration",
        "clika_core.plugins.manager",
        "clika_core.cli.main",
        "clika_torch.registration",
        "clika_compression",
    ],
)
def test_importing_this_loads_nothing_heavy(module: str) -> None:
    assert heavy_modules_after(f"import {module}") == []


@pytest.mark.parametrize("name", ["Settings", "LayerQuantizationSettings", "load_graph", "load_settings", "plan"])
def test_the_names_that_decide_load_nothing_heavy(name: str) -> None:
    assert heavy_modules_after(f"from clika_core import {name}") == []


@pytest.mark.parametrize("arguments", [["--help"], ["plan", "--help"], ["draw", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    call = f"from clika_core.cli.main import main; import sys; sys.argv[1:] = {arguments}"
    assert heavy_modules_after(f"{call}\ntry: main()\nexcept SystemExit as exit: assert not exit.code\nNone") == []


def test_a_heavy_import_would_be_seen() -> None:
    assert heavy_modules_after("import numpy") == ["numpy"]

"""Importing what decides loads no framework and no NumPy, measured in fresh processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clika_core.testing.builder import GraphBuilder

HEAVY = ("torch", "tensorflow", "jax", "keras", "flax", "numpy", "onnx", "onnxruntime")
REPORT = f"\nimport sys; print(*(name for name in {HEAVY} if name in sys.modules))"
ASK_FOR_HELP = """
from clika_core.cli.main import main
import sys
sys.argv[1:] = {arguments}
try:
    main()
except SystemExit as ended:
    assert not ended.code
"""


def heavy_modules_after(statement: str) -> list[str]:
    """The names of `HEAVY` that a fresh interpreter has loaded after running `statement`."""
    command = [sys.executable, "-c", statement + REPORT]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "module",
    [
        "clika_core",
        "clika_core.ir.snapshot",
        "clika_core.settings.load",
        "clika_core.planning.plan",
        "clika_core.planning.explain",
        "clika_core.planning.explain_rule",
        "clika_core.planning.diff_sides",
        "clika_core.cli.explain",
        "clika_core.cli.diff",
        "clika_core.targets.registration",
        "clika_core.plugins.manager",
        "clika_core.cli.main",
        "clika_tensorflow.registration",
        "clika_jax",
        "clika_jax.registration",
        "clika_torch.registration",
        "clika_linter.registration",
        "clika_linter.session",
        "clika_linter.context",
        "clika_compression",
    ],
)
def test_importing_this_loads_nothing_heavy(module: str) -> None:
    assert heavy_modules_after(f"import {module}") == []


@pytest.mark.parametrize("name", "Settings LayerQuantizationSettings load_graph load_settings plan".split())
def test_the_names_that_decide_load_nothing_heavy(name: str) -> None:
    assert heavy_modules_after(f"from clika_core import {name}") == []


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["plan", "--help"], ["draw", "--help"], ["explain", "--help"], ["diff", "--help"]],
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert heavy_modules_after(ASK_FOR_HELP.format(arguments=arguments)) == []


RUNS = {
    "plan": ["plan", "GRAPH"],
    "explain": ["explain", "GRAPH", "conv_1"],
    "draw": ["draw", "GRAPH", "--target", "ort", "-o", "DOT"],
    "diff": ["diff", "GRAPH", "GRAPH"],
    "settings": ["settings", "--schema"],
}


@pytest.mark.parametrize("name", RUNS)
def test_running_it_on_a_graph_loads_nothing_heavy(name: str, tmp_path: Path) -> None:
    builder = GraphBuilder()
    value = builder.layer("relu", builder.layer("conv", builder.input(), weight=(4, 8, 3, 3)))
    builder.output(value)
    builder.build().save(tmp_path / "model.graph.json")
    places = {"GRAPH": str(tmp_path / "model.graph.json"), "DOT": str(tmp_path / "x.dot")}
    arguments = [places.get(word, word) for word in RUNS[name]]
    assert heavy_modules_after(ASK_FOR_HELP.format(arguments=arguments)) == []


def test_a_heavy_import_would_be_seen() -> None:
    assert heavy_modules_after("import numpy") == ["numpy"]

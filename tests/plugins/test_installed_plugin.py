"""An installed plugin works through its entry points alone: backend, target, observer, command and lint rule."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from clika_core.testing import GraphBuilder
from clika_loopback.lint_rule import wide_product

RUN = "from clika_core.cli.main import main; main()"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, root: Path) -> Path:
    """A folder into which pip installed the plugin, from a copy of its sources and without an index."""
    folder = tmp_path_factory.mktemp("site")
    source = tmp_path_factory.mktemp("source") / "clika_loopback"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "tests" / "plugins" / "clika_loopback", source, ignore=ignored)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", str(folder), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    g = GraphBuilder()
    h = g.layer("relu", g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(4, 3, 3, 3)))
    g.output(g.layer("linear", g.layer("flatten", h), weight=(10, 4 * 64)))
    path = tmp_path / "model.graph.json"
    g.build().save(path)
    return path


def clika(site: Path | None, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `clika` in a fresh process that finds what is installed in `site`."""
    folders = [str(site) if site else "", os.environ.get("PYTHONPATH", "")]
    path = os.pathsep.join(folder for folder in folders if folder)
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        env={**os.environ, **environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_backend_is_listed_with_its_gaps(site: Path) -> None:
    slow = "torch,tensorflow,jax"  # to describe
    done = clika(site, "backends", "--format", "json", CLIKA_DISABLE_PLUGINS=slow)
    shown = json.loads(done.stdout)
    (found,) = [backend for backend in shown["backends"] if backend["name"] == "loopback"]
    assert found["framework"] == "NumPy"
    assert [(gap["what"], gap["kind"]) for gap in found["gaps"]][::3] == [
        ("training", "framework"),
        ("the demo", "by design"),
    ]
    assert shown["diagnostics"] == []


def test_the_target_plans(site: Path, graph: Path) -> None:
    done = clika(site, "plan", str(graph), "--target", "loopback_edge", "--format", "json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert plan["target"] == "loopback_edge"
    precisions = {layer["name"]: layer["precision"] for layer in plan["layers"]}
    assert precisions == {
        "conv_1": "quantized",
        "relu_1": "quantized",
        "flatten_1": "quantized",
        "linear_1": "float",
    }


def test_the_command_joins_the_others(site: Path, graph: Path) -> None:
    assert "census" in clika(site, "--help").stdout
    done = clika(site, "census", str(graph))
    assert done.stdout.split() == "1 conv 1 flatten 1 linear 1 relu".split()


def test_the_observer_is_among_those_there_are(site: Path) -> None:
    program = "from clika_core.plugins.registry import observers; print(*observers())"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split()[-1] == "power_of_two"


def test_without_the_plugin_its_target_is_unknown(graph: Path) -> None:
    done = clika(None, "plan", str(graph), "--target", "loopback_edge")
    assert done.returncode == 2
    assert "there is no deployment target 'loopback_edge'" in done.stderr


def test_the_plugin_can_be_left_out(site: Path, graph: Path) -> None:
    arguments = ("plan", str(graph), "--target", "loopback_edge")
    done = clika(site, *arguments, CLIKA_DISABLE_PLUGINS="loopback")
    assert done.returncode == 2
    assert "there is no deployment target 'loopback_edge'" in done.stderr


def test_the_lint_rule_finds_and_explains(site: Path, tmp_path: Path) -> None:
    g = GraphBuilder()
    wide_product(g)
    g.build().save(tmp_path / "model.graph.json")
    settings = tmp_path / "settings.yaml"
    settings.write_text("training_settings: {num_epochs: 3}\n")
    arguments = ("lint", str(settings), "--graph", str(tmp_path / "model.graph.json"), "--select", "LOOP")
    done = clika(site, *arguments, "--format", "concise", "--fail-on", "info")
    assert done.returncode == 1, done.stderr
    assert "info[LOOP001] matmul_1 has one scale for 512 channels" in done.stdout
    assert "one-scale-for-many-channels" in clika(site, "lint", "--explain", "LOOP001").stdout
    assert "max-channels" in clika(site, "lint", "--explain", "LOOP001").stdout
    gone = clika(None, *arguments)
    assert gone.returncode == 2
    assert "no lint rule is called 'LOOP'" in gone.stderr

"""The how-to pages for targets, observers and commands are true: their files, installed, do what the pages say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from clika_core.testing import GraphBuilder

GUIDES = Path(__file__).parents[2] / "docs" / "how-to"
Install = Callable[[str], Path]


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Writes the files of a page, each to the place that its first line names, as an installed distribution."""

    def write(page: str) -> Path:
        text = (GUIDES / page).read_text(encoding="utf-8")
        for block in re.findall(r"^```(?:python|toml)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            place = tmp_path / block.partition("\n")[0].removeprefix("# ")
            place.parent.mkdir(exist_ok=True)
            place.write_text(block, encoding="utf-8")
        project = (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
        point = re.search(r"^\[project\.entry-points\.clika\]\n(\S+) = \"(\S+)\"$", project, re.MULTILINE)
        assert point is not None
        info = tmp_path / "acme_clika-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: acme-clika\nVersion: 1.0\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(f"[clika]\n{point[1]} = {point[2]}\n", encoding="utf-8")
        return tmp_path

    return write


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A fresh interpreter in the folder, in which the distribution is installed."""
    places = os.pathsep.join(path for path in (str(folder), *sys.path) if path)
    environment = {**os.environ, "PYTHONPATH": places}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def clika(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`clika`, in a fresh process."""
    return python(folder, "-c", "from clika_core.cli.main import main; main()", *arguments)


@pytest.mark.parametrize("page", ["write-a-target.md", "write-an-observer.md"])
def test_the_page_s_tests_pass(install: Install, page: str) -> None:
    done = python(install(page), "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)


def test_the_target_decides_and_says_why(install: Install) -> None:
    folder = install("write-a-target.md")
    g = GraphBuilder()
    h = g.layer("relu", g.layer("conv", g.input("x", ("d0", 3, 16, 16)), weight=(4, 3, 3, 3)))
    h = g.layer("conv", h, weight=(4, 4, 9, 9))
    g.output(g.layer("softmax", g.layer("conv", h, weight=(4, 4, 1, 1))))
    g.build().save(folder / "model.graph.json")
    done = clika(folder, "plan", "model.graph.json", "--target", "acme_npu", "--format", "json")
    assert done.returncode == 0, done.stderr
    layers = {layer["name"]: layer for layer in json.loads(done.stdout)["layers"]}
    assert layers["conv_1"]["precision"] == layers["relu_1"]["precision"] == "quantized"
    assert layers["conv_2"]["precision"] == layers["softmax_1"]["precision"] == "float"
    reasons = json.dumps([layers["conv_2"], layers["softmax_1"]])
    assert "its window is (9, 9), the largest is 7 x 7" in reasons
    assert "the firmware computes it on the host" in reasons


def test_the_observer_is_known_to_the_linter(install: Install) -> None:
    folder = install("write-an-observer.md")
    settings = folder / "settings.yaml"
    settings.write_text("global_quantization_settings: {observer: shortest}\n", encoding="utf-8")
    assert clika(folder, "lint", "settings.yaml").returncode == 0
    settings.write_text("global_quantization_settings: {observer: shortst}\n", encoding="utf-8")
    done = clika(folder, "lint", "settings.yaml")
    assert done.returncode != 0
    assert "shortest" in done.stdout


def test_the_command_joins_and_runs(install: Install) -> None:
    folder = install("add-a-command.md")
    g = GraphBuilder()
    g.output(g.layer("relu", g.layer("relu", g.input("x", ("d0", 3)))))
    g.build().save(folder / "model.graph.json")
    assert "census  " in clika(folder, "--help").stdout
    done = clika(folder, "census", "model.graph.json")
    assert (done.returncode, done.stdout.split()) == (0, ["2", "relu"]), done.stderr

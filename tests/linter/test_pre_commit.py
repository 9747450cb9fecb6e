"""`clika-lint` and `clika-lint-fix` as hooks of pre-commit, on a repository with several models and settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.linter.conftest import Project

pytestmark = pytest.mark.network  # pre-commit builds an environment from the package index

ROOT = Path(__file__).resolve().parents[2]
CONFIGURATION = """\
[[tool.clika.lint.models]]
settings = "settings/classifier/*.yaml"
graph = "models/classifier.graph.json"

[[tool.clika.lint.models]]
settings = "settings/other.toml"
graph = "models/other.graph.json"
"""
BAD = "layer_settings:\n  linear_1:\n    quantization_settings: {skip_quantization: true}\n"
GOOD = "layer_settings:\n"


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean clone of this repository."""
    place = tmp_path_factory.mktemp("clone") / "clika-core"
    git(ROOT, "clone", "--quiet", str(ROOT), str(place))
    return place


@pytest.fixture
def repository(project: Project) -> Path:
    """A repository that uses the hooks."""
    project.write("pyproject.toml", CONFIGURATION)
    project.write("settings/classifier/a.yaml", GOOD)
    project.write("settings/classifier/b.yaml", BAD)
    project.write("settings/other.toml", "[training_settings]\nnum_epochs = 3\n")
    (project.folder / "models").mkdir()
    project.graph("models/classifier.graph.json")
    project.graph("models/other.graph.json")
    git(project.folder, "init", "--quiet")
    git(project.folder, "add", ".")
    return project.folder


def run(hooks: Path, repository: Path, hook: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pre_commit", "try-repo", str(hooks), hook, "--all-files", "--verbose"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=repository, env=environment, capture_output=True, text=True, timeout=900
    )


def test_the_hook_reports_what_is_wrong_in_every_model(hooks: Path, repository: Path) -> None:
    done = run(hooks, repository, "clika-lint")
    assert done.returncode == 1
    assert "settings/classifier/b.yaml:2:3: warning[CLK204]" in done.stdout
    (repository / "settings/classifier/b.yaml").write_text(GOOD)
    git(repository, "add", ".")
    assert run(hooks, repository, "clika-lint").returncode == 0


def test_the_fixing_hook_mends_the_file(hooks: Path, repository: Path) -> None:
    done = run(hooks, repository, "clika-lint-fix")
    assert "files were modified by this hook" in done.stdout
    assert (repository / "settings/classifier/b.yaml").read_text() == GOOD
    git(repository, "add", ".")
    assert run(hooks, repository, "clika-lint-fix").returncode == 0

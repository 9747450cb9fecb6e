"""Results are kept by content: nothing that could change a result is missed, and damage is no more than a miss."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clika_linter.cache import ResultCache
from clika_linter.engine import Engine
from clika_linter.reported import Reported
from clika_linter.rules.table import RULES
from tests.linter.conftest import Lint, Project

SETTINGS = "layer_settings: {linear_1: {quantization_settings: {skip_quantization: true}}}\n"
ARGUMENTS = ("settings.yaml", "--graph", "model.graph.json", "--select", "CLK204", "--format", "concise")


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one entry whenever rules really run."""
    found: list[str] = []
    check = Engine.check

    def counted(self: Engine, entries: object, context: object, graph: str | None = None) -> object:
        found.append("run")
        return check(self, entries, context, graph)  # type: ignore[arg-type]

    monkeypatch.setattr(Engine, "check", counted)
    return found


@pytest.fixture
def warm(project: Project, lint: Lint, runs: list[str]) -> Project:
    """A project that was linted once."""
    project.graph()
    project.write("settings.yaml", SETTINGS)
    assert lint(*ARGUMENTS).code == 1
    assert runs == ["run"]
    return project


@pytest.mark.usefixtures("warm")
def test_the_second_run_says_the_same_without_running_a_rule(lint: Lint, runs: list[str]) -> None:
    ran = lint(*ARGUMENTS)
    assert (ran.code, "CLK204" in ran.out, runs) == (1, True, ["run"])
    for form in ("text", "json", "sarif"):
        cached = lint(*ARGUMENTS[:-1], form).out
        assert cached == lint(*ARGUMENTS[:-1], form, "--no-cache").out
    assert runs == ["run"] * 4


def test_touching_a_file_changes_nothing(warm: Project, lint: Lint, runs: list[str]) -> None:
    (warm.folder / "settings.yaml").write_text(SETTINGS)
    lint(*ARGUMENTS)
    assert runs == ["run"]


@pytest.mark.parametrize("change", ["settings", "graph", "rules", "report", "reason", "options", "version"])
def test_whatever_can_change_a_result_is_looked_at(
    warm: Project, lint: Lint, runs: list[str], change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = list(ARGUMENTS)
    if change == "settings":
        warm.write("settings.yaml", SETTINGS + "# a comment\n")
    elif change == "graph":
        path = warm.folder / "model.graph.json"
        path.write_text(path.read_text() + "\n")
    elif change == "rules":
        arguments += ["--extend-select", "CLK001"]
    elif change == "report":
        warm.write("report.json", "{}")
        arguments += ["--report", "report.json"]
    elif change == "reason":
        warm.write("pyproject.toml", "[tool.clika.lint]\nrequire-reason = true\n")
    elif change == "options":
        warm.write("pyproject.toml", "[tool.clika.lint.rules.sensitivity-hotspot]\nmax-qs = 1\n")
    else:
        monkeypatch.setattr("clika_linter.cache.__version__", "99")
    lint(*arguments)
    assert runs == ["run", "run"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"key": 1}', b"\xff\xfe", b"[" * 10**5])
def test_a_damaged_cache_is_no_more_than_a_miss(
    warm: Project, lint: Lint, runs: list[str], content: bytes
) -> None:
    (kept,) = (path for path in (warm.folder.parent / "cache").rglob("lint/*.json"))
    kept.write_bytes(content)
    assert "CLK204" in lint(*ARGUMENTS).out
    assert runs == ["run", "run"]
    assert "CLK204" in lint(*ARGUMENTS).out
    assert runs == ["run", "run"], "it was written anew"


def test_a_folder_that_cannot_be_written_is_no_problem(project: Project, lint: Lint) -> None:
    project.graph()
    project.write("settings.yaml", SETTINGS)
    project.write("no-folder", "")
    project.write("pyproject.toml", '[tool.clika.lint]\ncache-dir = "no-folder"\n')
    assert lint(*ARGUMENTS).code == 1
    assert lint(*ARGUMENTS).code == 1


def test_findings_survive_the_cache_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text("")
    findings = [Reported(str(file), rule.code, rule.name, rule.severity, "é\ud800") for rule in RULES]
    cache = ResultCache(str(tmp_path / "cache"))
    key = cache.key(["x"], [str(file), None])
    cache.put(str(file), key, findings, {"a": 1})
    assert cache.get(str(file), key) == (findings, {"a": 1})
    assert cache.get(str(file), cache.key(["y"], [str(file), None])) is None
    assert cache.key(["x"], [str(tmp_path / "missing")]) is None


def test_runs_side_by_side_read_whole_results(project: Project) -> None:
    project.graph()
    project.write("settings.yaml", SETTINGS)
    code = f"from clika_core.cli.main import main\nmain({['lint', *ARGUMENTS]!r})"
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(6)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in running]
    assert len(set(outputs)) == 1
    assert outputs[0].startswith("settings.yaml:1:18: warning[CLK204]")
    left = [path.name for path in (project.folder.parent / "cache").rglob("*") if path.name.startswith(".")]
    assert left == []

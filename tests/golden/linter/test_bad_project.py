"""A deliberately bad project: every rule fires in it, and what people read of that is kept whole."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from clika_core.cli.main import main
from clika_core.plugins.installed import PluginPoint
from clika_core.plugins.manager import load
from clika_core.testing.builder import GraphBuilder
from clika_linter.registry import collect
from clika_linter.rules.table import RULES
from tests.golden.linter.networks import NETWORKS

CODE = re.compile(r"(?:error|warning|info)\[(CLK\d+)\]")
HERE = Path(__file__).parent
REPORTS = {"report.json": "convolutions", "older_report.json": "convolutions"}
PLUGINS = (
    PluginPoint("lint", "clika_linter.registration", "clika-core", "0"),
    PluginPoint("acme", "tests.golden.linter.acme_rules", "acme-clika", "0"),
    PluginPoint("broken", "a_module_that_is_not_there", "broken-clika", "0"),
)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The project with its graphs and reports, as the current folder; one plugin crashes, one is broken."""
    folder = shutil.copytree(HERE / "project", tmp_path / "project")
    prints = {}
    for name, make in NETWORKS.items():
        builder = GraphBuilder()
        make(builder)
        graph = builder.build()
        graph.save(folder / f"{name}.graph.json")
        prints[name] = graph.fingerprint
    for name, network in REPORTS.items():
        report = json.loads((folder / name).read_text(encoding="utf-8"))
        report["graph"]["fingerprint"] = prints[network]
        (folder / name).write_text(json.dumps(report), encoding="utf-8")
    registered = collect(load(PLUGINS))
    monkeypatch.setattr("clika_linter.session.registered", lambda: registered)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def text(project: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What `clika lint` says in the project."""
    assert Path.cwd() == project
    with pytest.raises(SystemExit) as ended:
        main(["lint", "--no-cache"])
    assert ended.value.code == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def test_the_text_is_as_before(text: str, golden: Callable[[str, str], None]) -> None:
    golden("bad_project.txt", text)


def test_every_built_in_rule_fires(text: str) -> None:
    found = set(CODE.findall(text))
    assert sorted(found) == [entry.code for entry in RULES]


def test_no_rule_fires_twice(text: str) -> None:
    found = Counter(CODE.findall(text))
    assert [code for code, count in found.items() if count > 1] == []

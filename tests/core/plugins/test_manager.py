"""A broken plugin is named, with its distribution and what is wrong; everything else works."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clika_core.plugins.installed import PluginPoint
from clika_core.plugins.manager import LoadedPlugins, load, patience_seconds

GOOD = """
from clika_core.plugins.hooks import hookimpl

@hookimpl
def clika_register_targets():
    return ["a target"]
"""

BROKEN = {
    "import error": "import a_module_that_nobody_has",
    "exit": "import sys\nsys.exit(3)",
    "syntax error": "def (",
    "raises": "raise RuntimeError('two\\nlines')",
    "misspelt hook": GOOD.replace("clika_register_targets", "clika_register_target"),
    "wrong signature": GOOD.replace("targets()", "targets(unknown)"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, module: str, text: str, name: str | None = None) -> PluginPoint:
    (folder / f"{module}.py").write_text(text)
    return PluginPoint(name or module, module, "a-distribution", "1.0")


def targets(loaded: LoadedPlugins) -> list[tuple[str, Any]]:
    return loaded.try_collect("clika_register_targets")[0]


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_leaves_the_others_working_and_is_named(folder: Path, kind: str) -> None:
    points = [write(folder, "bad_plugin", BROKEN[kind]), write(folder, "good_plugin", GOOD)]
    loaded = load(points)
    assert targets(loaded) == [("good_plugin", "a target")]
    (finding,) = loaded.diagnostics
    assert "'bad_plugin'" in finding.message
    assert "\n" not in finding.message
    assert finding.help is not None
    assert "CLIKA_DISABLE_PLUGINS=bad_plugin" in finding.help


def test_a_plugin_with_a_taken_name_is_refused_whatever_the_order(folder: Path) -> None:
    points = [write(folder, "one", GOOD, "twin"), write(folder, "two", GOOD, "twin")]
    for order in (points, points[::-1]):
        loaded = load(order)
        assert len(targets(loaded)) == 1
        assert "twin" in loaded.diagnostics[0].message


def test_a_disabled_plugin_is_not_even_imported(folder: Path) -> None:
    loaded = load([write(folder, "bad_plugin", BROKEN["exit"])], disabled="other, bad_plugin")
    assert loaded.diagnostics == ()
    assert "bad_plugin" not in sys.modules


def test_an_interrupt_is_not_taken_for_a_broken_plugin(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load([write(folder, "bad_plugin", "raise KeyboardInterrupt")])


def test_a_plugin_that_hangs_is_left_behind(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIKA_PLUGIN_SECONDS", "0.2")
    points = [write(folder, "bad_plugin", "import time\ntime.sleep(3)"), write(folder, "good_plugin", GOOD)]
    started = time.monotonic()
    loaded = load(points)
    assert time.monotonic() - started < 2
    assert targets(loaded) == [("good_plugin", "a target")]
    assert "did not finish within 0.2 seconds" in loaded.diagnostics[0].message


@pytest.mark.parametrize("text", ["", "soon", "0", "-1", "nan", "inf"])
def test_patience_that_is_no_positive_number_is_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("CLIKA_PLUGIN_SECONDS", text)
    assert patience_seconds() == 10


def test_what_a_plugin_prints_is_kept_off_standard_output_and_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = load([write(folder, "loud_plugin", f"print('loading ' * 30)\n{GOOD}")])
    assert targets(loaded) == [("loud_plugin", "a target")]
    (finding,) = loaded.diagnostics
    assert "printed 'loading loading" in finding.message
    assert "…" in finding.message
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("returned", ["None", "'ort'", "{'ort': 1}", "3"])
def test_a_hook_that_returns_no_list_is_named(folder: Path, returned: str) -> None:
    text = GOOD.replace('["a target"]', returned)
    loaded = load([write(folder, "bad_plugin", text), write(folder, "good_plugin", GOOD)])
    found, (finding,) = loaded.try_collect("clika_register_targets")
    assert found == [("good_plugin", "a target")]
    assert "expected a list" in finding.message
    assert "a-distribution 1.0" in finding.message


def test_the_project_s_own_plugin_keeps_its_name(folder: Path) -> None:
    own = write(folder, "own_plugin", GOOD, "twin")._replace(distribution="clika-core")
    loaded = load([write(folder, "a_stranger", GOOD, "twin"), own])
    assert loaded.points == (own,)
    assert "clika-core 1.0 has a plugin of that name too" in loaded.diagnostics[0].message

"""A plugin is examined once and again when its file changes, and imported only when one of its hooks is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from clika_core.plugins import examination
from clika_core.plugins.installed import PluginPoint
from clika_core.plugins.manager import load
from clika_core.plugins.remembered import Remembered

TEXT = "def clika_register_targets():\n    return ['a target']\n"
POINT = PluginPoint("acme", "acme_registration", "acme-clika", "1.0")


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The registration module of a plugin, with a cache folder of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.delenv("CLIKA_NO_CACHE", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "acme_registration.py"
    file.write_text(TEXT)
    yield file
    sys.modules.pop("acme_registration", None)


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by a name for every examination."""
    names: list[str] = []
    examine = examination.examine

    def counted(point: PluginPoint) -> Any:
        names.append(point.name)
        return examine(point)

    monkeypatch.setattr(examination, "examine", counted)
    return names


def targets(point: PluginPoint = POINT) -> list[tuple[str, Any]]:
    """What the plugin registers, as a new process with the same cache finds it."""
    sys.modules.pop("acme_registration", None)
    remembered = Remembered()
    loaded = load([point], remembered=remembered)
    remembered.save()
    return loaded.try_collect("clika_register_targets")[0]


@pytest.mark.usefixtures("module")
def test_the_second_process_does_not_examine(examined: list[str]) -> None:
    assert targets() == targets() == [("acme", "a target")]
    assert examined == ["acme"]


@pytest.mark.usefixtures("module")
def test_a_plugin_is_imported_only_for_its_own_hooks() -> None:
    assert targets()
    sys.modules.pop("acme_registration")
    loaded = load([POINT], remembered=Remembered())
    assert loaded.try_collect("clika_register_commands") == ([], [])
    assert "acme_registration" not in sys.modules


def test_a_file_that_changed_is_examined_again(module: Path, examined: list[str]) -> None:
    assert targets()
    module.write_text(TEXT + "\nclika_register_observers = clika_register_targets\n")
    assert targets()
    os.utime(module, ns=(1, 1))
    assert targets()
    assert examined == ["acme"] * 3


@pytest.mark.parametrize("package", [False, True])
def test_another_checkout_that_comes_first_is_examined(
    module: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, examined: list[str], package: bool
) -> None:
    other = tmp_path / "other" / module.name
    if package:
        module.unlink()
        module = module.with_suffix("") / "__init__.py"
        other = other.with_suffix("") / "__init__.py"
        module.parent.mkdir()
        module.write_text(TEXT)
    assert targets() == [("acme", "a target")]
    other.parent.mkdir(parents=True)
    other.write_text(TEXT.replace("a target", "another"))
    assert targets() == [("acme", "a target")]
    monkeypatch.syspath_prepend(tmp_path / "other")
    assert targets() == targets() == [("acme", "another")]
    assert examined == ["acme"] * 2


@pytest.mark.usefixtures("module")
def test_a_new_version_is_examined_again(examined: list[str]) -> None:
    assert targets()
    assert targets(POINT._replace(version="1.1"))
    assert examined == ["acme"] * 2


def test_a_broken_plugin_is_examined_every_time(module: Path, examined: list[str]) -> None:
    module.write_text("def clika_register_target():\n    return []\n")
    assert targets() == targets() == []
    assert examined == ["acme"] * 2


@pytest.mark.parametrize("content", ["", "[]", "{", '{"x": 1}', "[" * 10**5, "\xff"])
def test_a_cache_that_cannot_be_read_is_as_good_as_none(module: Path, content: str) -> None:
    assert targets()
    (file,) = (module.parent / "cache" / "clika").glob("examined-plugins.json")
    file.write_bytes(content.encode("latin-1"))
    assert targets() == [("acme", "a target")]


@pytest.mark.usefixtures("module")
def test_without_a_cache_every_process_examines(monkeypatch: pytest.MonkeyPatch, examined: list[str]) -> None:
    monkeypatch.setenv("CLIKA_NO_CACHE", "1")
    assert targets() == targets() == [("acme", "a target")]
    assert examined == ["acme"] * 2

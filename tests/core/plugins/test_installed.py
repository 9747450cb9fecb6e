"""Entry points are found once and remembered until something is installed, changed or removed."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from clika_core.plugins import installed
from clika_core.plugins.installed import PluginPoint, installed_points

GROUP = "clika-test-group"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of packages on the import path, changed long ago; caches lie beside it."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "meta_path", [f for f in sys.meta_path if installed._is_standard(f)])
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    monkeypatch.setattr(installed, "_SETTLED_SECONDS", -1)
    install(folder, "one", "one.registration")
    return folder


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by an entry for every scan."""
    found: list[str] = []
    scan = installed.scan

    def counted(group: str) -> list[PluginPoint]:
        found.append(group)
        return scan(group)

    monkeypatch.setattr(installed, "scan", counted)
    return found


def install(folder: Path, name: str, value: str) -> None:
    place = folder / f"{name}-1.5.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.5\n")
    (place / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n")
    changed = time.time() - 10**6 + 100 * len(list(folder.iterdir()))  # long ago, at a time of its own
    os.utime(folder, (changed, changed))


def names() -> set[str]:
    return {point.name for point in installed_points(GROUP)}


@pytest.mark.usefixtures("site")
def test_the_second_look_needs_no_scan(scans: list[str]) -> None:
    first = installed_points(GROUP)
    assert first == [PluginPoint("one", "one.registration", "one", "1.5")]
    assert installed_points(GROUP) == first
    assert scans == [GROUP]


def test_what_is_installed_or_removed_later_is_seen(site: Path, scans: list[str]) -> None:
    assert names() == {"one"}
    install(site, "two", "two.registration")
    assert names() == {"one", "two"}
    for file in (site / "one-1.5.dist-info").iterdir():
        file.unlink()
    (site / "one-1.5.dist-info").rmdir()
    assert names() == {"two"}
    assert len(scans) == 3


@pytest.mark.usefixtures("site")
def test_another_import_path_is_another_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert names() == {"one"}
    other = tmp_path / "other"
    other.mkdir()
    install(other, "two", "two.registration")
    monkeypatch.syspath_prepend(other)
    assert names() == {"one", "two"}
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path != str(other)])
    assert names() == {"one"}


@pytest.mark.usefixtures("site")
def test_programs_with_different_import_paths_take_turns_without_a_scan(
    scans: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [[str(tmp_path / f"scripts{number}"), *sys.path] for number in range(40)]
    for path in (*paths, *paths[-5:], *paths[-5:]):
        monkeypatch.setattr(sys, "path", path)
        assert names() == {"one"}
    assert len(scans) == len(paths)
    assert len(list((tmp_path / "cache" / "clika").glob("plugins-*.json"))) == installed._MAX_FILES


@pytest.mark.usefixtures("site")
def test_folders_that_changed_just_now_are_not_remembered(
    scans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(installed, "_SETTLED_SECONDS", 10**6)
    names()
    names()
    assert len(scans) == 2


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"[null, null]", b"\xff", b"[[], [[1]]]"])
def test_a_damaged_memory_is_no_more_than_a_scan(scans: list[str], tmp_path: Path, content: bytes) -> None:
    names()
    (kept,) = (tmp_path / "cache").rglob("plugins-*.json")
    kept.write_bytes(content)
    assert names() == {"one"}
    assert len(scans) == 2


@pytest.mark.usefixtures("site")
def test_no_cache_means_a_scan_each_time(scans: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIKA_NO_CACHE", "1")
    names()
    names()
    assert len(scans) == 2


@pytest.mark.usefixtures("site")
def test_packages_that_a_finder_of_its_own_brings_are_never_remembered(
    scans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Finder:
        @staticmethod
        def find_spec(*_: object) -> None:
            return None

        @staticmethod
        def find_distributions(*_: object) -> tuple[()]:
            return ()

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, Finder])
    assert names() == {"one"}
    assert names() == {"one"}
    assert len(scans) == 2


def test_a_point_loads_its_module_or_an_attribute_of_it() -> None:
    assert PluginPoint("x", "os.path", "d", "1").load() is os.path
    assert PluginPoint("x", "os : path.join", "d", "1").load() is os.path.join

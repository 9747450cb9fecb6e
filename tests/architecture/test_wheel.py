"""What is shipped: the wheel's contents, and the names that a plain or editable installation gives."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import editables
import pytest

import clika_core

BACKENDS = ("clika_jax", "clika_tensorflow", "clika_torch")

IMPORT_TRIAL = """
import importlib.util, site, sys
site.addsitedir(sys.argv[1])
names = (
    *("clika_core", "clika_compression", "clika_jax", "clika_tensorflow", "clika_torch"),
    *("backends", "tests", "docs"),
)
print(*(name for name in names if importlib.util.find_spec(name)))
"""


def build(kind: str, root: Path, folder: Path) -> Path:
    """Build a wheel as pip does, without the network, and unpack it as an installer does."""
    script = f"from hatchling import build; print(build.build_{kind}({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", script], cwd=root, check=True, capture_output=True, timeout=120)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what the wheel installs."""
    return build("wheel", root, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def editable_site(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds what an editable installation installs, and what that depends on."""
    site = build("editable", root, tmp_path_factory.mktemp("editable"))
    shutil.copytree(Path(editables.__file__).parent, site / "editables")
    return site


def importable(site: Path) -> list[str]:
    """Which names a fresh interpreter, standing elsewhere, can import from an installation."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT_TRIAL, str(site)],
        cwd=site.parent,
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout.split()


def files_in(folder: Path) -> set[Path]:
    """Every file under a folder, relative to it, but for compiled ones."""
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path for path in found if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_packages_and_nothing_beside_them(site: Path) -> None:
    inside = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert inside == {"clika_core", "clika_compression", "clika_linter", *BACKENDS}


def test_the_wheel_holds_every_file_of_the_packages(site: Path, packages: list[Path]) -> None:
    for package in packages:
        assert files_in(site / package.name) == files_in(package), package.name


def test_every_package_says_that_it_is_typed(site: Path, packages: list[Path]) -> None:
    assert [package.name for package in packages if not (site / package.name / "py.typed").is_file()] == []


def test_the_demo_can_run_from_the_wheel(site: Path) -> None:
    assert list((site / "clika_core" / "demo" / "assets").glob("*.safetensors"))


def test_the_wheel_carries_version_licence_and_entry_points(site: Path) -> None:
    (information,) = site.glob("*.dist-info")
    assert information.name == f"clika_core-{clika_core.__version__}.dist-info"
    assert (information / "licenses" / "LICENSE").is_file()
    entries = (information / "entry_points.txt").read_text(encoding="utf-8")
    assert "clika = clika_core.cli.main:main" in entries
    for backend in ("jax", "tensorflow", "torch"):
        assert f"{backend} = clika_{backend}.registration" in entries


def test_the_wheel_gives_the_packages_and_no_folder_of_the_repository(site: Path) -> None:
    assert importable(site) == ["clika_core", "clika_compression", *BACKENDS]


def test_an_editable_installation_gives_the_same_names(editable_site: Path) -> None:
    assert importable(editable_site) == ["clika_core", "clika_compression", *BACKENDS]

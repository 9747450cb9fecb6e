"""The tests mirror the package: whoever looks for the tests of a part finds them where they expect them."""

from __future__ import annotations

from pathlib import Path

TESTS_OF_BACKENDS = {
    "clika_jax": "backends/jax",
    "clika_tensorflow": "backends/tensorflow",
    "clika_torch": "backends/torch",
}


def parts(package: Path) -> list[str]:
    """The names of the modules and packages directly inside `package`."""
    inside = [path for path in package.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    return sorted(path.stem for path in inside if not path.stem.startswith("__"))


def has_tests(folder: Path, part: str) -> bool:
    """Whether a part is tested by a file of its name, or by files in a folder of its name."""
    return (folder / f"test_{part}.py").is_file() or any((folder / part).rglob("test_*.py"))


def test_every_part_of_the_core_has_its_tests(root: Path) -> None:
    folder = root / "tests" / "core"
    assert [part for part in parts(root / "clika_core") if not has_tests(folder, part)] == []


def test_every_backend_has_its_tests(root: Path) -> None:
    backends = [path.name for path in (root / "backends").iterdir() if (path / "__init__.py").is_file()]
    assert sorted(TESTS_OF_BACKENDS) == sorted(backends)
    for folder in TESTS_OF_BACKENDS.values():
        assert list((root / "tests" / folder).rglob("test_*.py")), folder


def test_no_folder_of_tests_outlives_what_it_tested(root: Path) -> None:
    folders = [path.name for path in (root / "tests" / "core").iterdir() if any(path.rglob("test_*.py"))]
    assert set(folders) <= set(parts(root / "clika_core"))

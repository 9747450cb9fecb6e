"""The documentation is built without a warning, and every page is reached by its navigation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def build(source: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Build as `tox -e docs` does."""
    options = ["-q", "-W", "--keep-going", "-c", str(source / "docs"), "-d", str(folder / "doctrees")]
    command = [sys.executable, "-m", "sphinx", *options, str(source), str(folder / "html")]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs")
    done = build(root, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


def test_every_page_is_built(built: Path, root: Path) -> None:
    pages = [
        *(root / "docs").rglob("*.md"),
        *(root / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    ]
    written = {path.relative_to(built).with_suffix(".md") for path in built.rglob("*.html")}
    expected = {path.relative_to(root) for path in pages}
    assert expected - written == set()


def test_pages_load_nothing_from_elsewhere(built: Path) -> None:
    text = (built / "docs" / "index.html").read_text(encoding="utf-8")
    assert 'src="http' not in text
    assert 'rel="stylesheet" type="text/css" href="http' not in text


def test_a_dead_link_fails_the_build(root: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "docs").mkdir(parents=True)
    (source / "docs" / "conf.py").write_text((root / "docs" / "conf.py").read_text(encoding="utf-8"))
    (source / "docs" / "index.md").write_text("# Home\n\n[gone](how-to/gone.md)\n")
    done = build(source, tmp_path)
    assert done.returncode != 0
    assert "gone.md" in done.stderr

"""`clika draw`: what it writes, and that nothing is left where it cannot."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from clika_core.errors import MissingDependencyError
from clika_core.ir.graph import Graph
from tests.core.cli.conftest import Clika


def test_without_settings_it_draws_the_traced_graph(clika: Clika, classifier: Graph, tmp_path: Path) -> None:
    assert clika("draw", "model.graph.json", "-o", "p.dot").code == 0
    text = (tmp_path / "p.dot").read_text()
    assert all(layer.name in text for layer in classifier.layers)
    assert "x_quantized" not in text


def test_with_a_target_it_draws_the_decisions(clika: Clika, classifier: Graph, tmp_path: Path) -> None:
    assert classifier.layers
    assert clika("draw", "model.graph.json", "--target", "ort", "-o", "p.dot").code == 0
    assert "x_quantized" in (tmp_path / "p.dot").read_text()


def test_without_a_drawing_program_it_says_what_to_install(
    clika: Clika, classifier: Graph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert classifier.layers

    def missing(_: str) -> str:
        raise MissingDependencyError("nothing draws SVG", fix='pip install "clika-core[pictures]"')

    monkeypatch.setattr("clika_core.pictures.svg.render_svg", missing)
    outcome = clika("draw", "model.graph.json", "-o", "p.svg")
    assert (outcome.code, outcome.out) == (2, "")
    assert "clika-core[pictures]" in outcome.err
    assert not (tmp_path / "p.svg").exists()


def test_a_suffix_it_cannot_draw_is_refused(clika: Clika, classifier: Graph) -> None:
    assert classifier.layers
    outcome = clika("draw", "model.graph.json", "-o", "p.bmp")
    assert outcome.code == 2
    assert ".dot or .svg or .html" in outcome.err


@pytest.mark.usefixtures("graphviz")
def test_a_page_holds_the_picture_and_the_layers(clika: Clika, classifier: Graph, tmp_path: Path) -> None:
    assert clika("draw", "model.graph.json", "--target", "ort", "-o", "p.html").code == 0
    page = (tmp_path / "p.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<svg" in page
    assert all(f'"name":"{layer.name}"' in page for layer in classifier.layers)


@pytest.mark.usefixtures("graphviz")
@pytest.mark.parametrize(("suffix", "loads"), [("dot", "False"), ("svg", "False"), ("html", "True")])
def test_only_a_page_loads_the_templates(classifier: Graph, tmp_path: Path, suffix: str, loads: str) -> None:
    assert classifier.layers
    program = f"""
from clika_core.cli.main import main
import sys
try:
    main(["draw", "model.graph.json", "--target", "ort", "-o", "p.{suffix}"])
except SystemExit as ended:
    assert not ended.code
print("jinja2" in sys.modules, "numpy" in sys.modules)"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == f"{loads} False"

"""`clika draw`: what it writes, and that nothing is left where it cannot."""

from __future__ import annotations

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
    assert ".dot or .svg" in outcome.err

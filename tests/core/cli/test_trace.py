"""`clika trace`: what is no model is said to be none, before example inputs are asked for."""

from __future__ import annotations

from pathlib import Path

from tests.core.cli.conftest import Clika


def test_an_object_that_is_no_model_is_refused_by_its_type(clika: Clika, tmp_path: Path) -> None:
    (tmp_path / "no_models.py").write_text("number = 3")
    outcome = clika("trace", "no_models.py:number")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no backend takes a builtins.int" in outcome.err
    assert not (tmp_path / "model.graph.json").exists()

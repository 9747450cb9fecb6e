"""`clika diff`: exit codes, reports, and files that are not what they should be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.core.cli.conftest import Clika

SKIP = "layer_settings: {conv_1: {quantization_settings: {skip_quantization: true}}}\n"


def report(path: Path, **layer: object) -> None:
    plain = {
        "name": "conv_1",
        "type": "conv",
        "precision": "quantized",
        "multiply_accumulates": 10,
        "weight_bytes": 4,
    }
    document = {"format": "clika-report", "target": "ort", "layers": [{**plain, **layer}]}
    path.write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.usefixtures("classifier")
def test_exit_code_tells_whether_something_differs(clika: Clika, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("{}\n")
    (tmp_path / "b.yaml").write_text(SKIP)
    settings = ("a.yaml", "b.yaml", "--graph", "model.graph.json")
    assert clika("diff", *settings).code == 0
    assert clika("diff", *settings, "--exit-code").code == 1
    assert clika("diff", "a.yaml", "a.yaml", "--graph", "model.graph.json", "--exit-code").code == 0


@pytest.mark.usefixtures("classifier")
def test_the_graph_may_stand_in_a_comment_of_one_of_the_files(clika: Clika, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# clika: graph=model.graph.json\n{}\n")
    (tmp_path / "b.yaml").write_text(SKIP)
    assert "conv_1 (conv): quantized -> float" in clika("diff", "a.yaml", "b.yaml").out


def test_reports_are_compared_without_their_graph(clika: Clika, tmp_path: Path) -> None:
    report(tmp_path / "a.json", qs=0.1)
    cause = {"kind": "rule", "how": "selected", "selector": "conv_1", "of": []}
    report(tmp_path / "b.json", precision="float", causes=[cause], qs=0.5)
    outcome = clika("diff", "a.json", "b.json")
    assert "conv_1 (conv): quantized -> float, because rule 'conv_1' selects it" in outcome.out
    assert "conv_1 (conv): QS 0.1 -> 0.5" in outcome.out
    assert "quantized multiply-accumulates: 10 (100.0%) -> 0 (0.0%)" in outcome.out


def test_qs_that_hardly_moved_is_no_difference(clika: Clika, tmp_path: Path) -> None:
    report(tmp_path / "a.json", qs=0.100)
    report(tmp_path / "b.json", qs=0.101)
    assert clika("diff", "a.json", "b.json", "--exit-code").code == 0


def test_a_qs_that_became_infinite_is_a_difference(clika: Clika, tmp_path: Path) -> None:
    report(tmp_path / "a.json", qs=0.1)
    report(tmp_path / "b.json", qs="inf")
    shown = json.loads(clika("diff", "a.json", "b.json", "--format", "json").out)
    assert shown["qs"] == [{"name": "conv_1", "qs": [0.1, "inf"]}]


def test_a_report_with_strange_causes_is_still_compared(clika: Clika, tmp_path: Path) -> None:
    report(tmp_path / "a.json")
    report(
        tmp_path / "b.json", precision="float", causes=[{"kind": "magic"}, 7, {"kind": "rule", "how": "odd"}]
    )
    assert clika("diff", "a.json", "b.json").code == 0

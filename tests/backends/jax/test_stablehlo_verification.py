"""`clika verify` looks into a `.stablehlo` file, and notices what is not as the report says."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import clika_core as clika
from clika_core.cli.verify import command
from clika_core.errors import OutputError
from clika_core.pipeline.verifying import verify
from tests.backends.differential.jax_models import build
from tests.backends.jax.test_stablehlo import batches


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model whose first convolution stays float."""
    settings = clika.Settings()
    settings.set_quantization_settings_for_layer(
        "conv_1", clika.LayerQuantizationSettings(skip_quantization=True)
    )
    folder = tmp_path_factory.mktemp("shipped") / "outputs"
    data = batches("vgg")[0][0]
    clika.compress(
        build("vgg"), calibration_data=data, settings=settings, target="stablehlo", output_dir=folder
    )
    return folder


def report(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "clika_report.json").read_text())
    return found


def layer(content: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in content["layers"] if each["name"] == name)
    return found


def test_a_file_that_was_just_written_honours_its_report(shipped: Path) -> None:
    content = report(shipped)
    assert {each["precision"] for each in content["layers"]} >= {"float", "quantized"}
    found = verify(content, shipped / "Vgg.stablehlo")
    assert found.findings == ()
    named = {each.name: each for each in found.layers}
    assert named["conv_2"].stored == ("int8",)
    assert named["conv_2"].kernels["convolution"]
    assert named["conv_1"].stored == ()
    assert not named["conv_1"].kernels["convolution"]


def test_the_command_says_so(shipped: Path) -> None:
    found = CliRunner().invoke(command, [str(shipped / "clika_report.json"), str(shipped / "Vgg.stablehlo")])
    assert found.exit_code == 0, found.output
    assert "the file honours the report" in found.output


def _says_float(content: dict[str, Any]) -> None:
    layer(content, "conv_2").update(precision="float")


def _says_quantized(content: dict[str, Any]) -> None:
    found, other = layer(content, "conv_1"), layer(content, "conv_2")
    found.update(precision="quantized", quantization=other["quantization"])


def _other_scales(content: dict[str, Any]) -> None:
    scales = layer(content, "conv_2")["quantization"]["weights"]["weight"]["scale"]
    scales[3] = scales[3] * 1.01


def _other_zero_point(content: dict[str, Any]) -> None:
    layer(content, "linear_1")["quantization"]["activations"]["0"]["zero_point"] = 7


def _other_graph(content: dict[str, Any]) -> None:
    content["graph"]["fingerprint"] = "0" * 64


@pytest.mark.parametrize(
    ("change", "code", "name"),
    [
        (_says_float, "float-layer-quantized", "conv_2"),
        (_says_quantized, "quantized-layer-float", "conv_1"),
        (_other_scales, "other-parameters", "conv_2"),
        (_other_zero_point, "other-parameters", "linear_1"),
        (_other_graph, "other-fingerprint", None),
    ],
)
def test_what_is_not_as_the_report_says_is_found(
    shipped: Path, change: Callable[[dict[str, Any]], None], code: str, name: str | None
) -> None:
    content = copy.deepcopy(report(shipped))
    change(content)
    findings = verify(content, shipped / "Vgg.stablehlo").findings
    assert (code, (name,) if name else ()) in [(each.code, each.related) for each in findings]


def test_another_file_under_the_same_name_is_found(shipped: Path, tmp_path: Path) -> None:
    for name in ("Vgg.stablehlo", "Vgg.stablehlo.json"):
        shutil.copy(shipped / name, tmp_path / name)
    said = json.loads((tmp_path / "Vgg.stablehlo.json").read_text())
    (tmp_path / "Vgg.stablehlo.json").write_text(json.dumps({**said, "sha256": "0" * 64}))
    found = verify(report(shipped), tmp_path / "Vgg.stablehlo").findings
    assert [each.code for each in found] == ["changed-file"]


def test_what_cannot_be_read_is_said(shipped: Path, tmp_path: Path) -> None:
    alone, damaged = tmp_path / "alone.stablehlo", tmp_path / "damaged.stablehlo"
    shutil.copy(shipped / "Vgg.stablehlo", alone)
    damaged.write_bytes(np.random.default_rng(0).bytes(2000))
    with pytest.raises(OutputError, match="description"):
        verify(report(shipped), alone)
    with pytest.raises(OutputError, match=r"artefact of jax\.export"):
        verify(report(shipped), damaged)

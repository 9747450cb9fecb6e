"""Submodules of a model that cannot be traced as a whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

import clika_core as clika
from clika_core.cli.main import main
from clika_core.errors import ModelError, TraceError


class Detector(nn.Module):
    """A backbone, called with a named argument, and a head that branches on what it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.ModuleDict({"backbone": Backbone()})
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    def forward(self, image: Tensor) -> Tensor:
        found = self.features["backbone"](image, scale=torch.full((len(image), 1, 1, 1), 2.0))
        if found.sum() > 0:
            found = -found
        logits: Tensor = self.head(found)
        return logits


class Backbone(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.last = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x: Tensor, scale: Tensor | None = None) -> Tensor:
        x = torch.relu(self.conv(x))
        y: Tensor = torch.relu(self.last(x if scale is None else x * scale))
        return y


@pytest.fixture(scope="module")
def model() -> nn.Module:
    torch.manual_seed(0)
    return Detector().train()


BACKBONE = "features.backbone"
IMAGES = torch.linspace(-1, 1, 8 * 16).reshape(8, 1, 4, 4)


def test_what_cannot_be_traced_says_which_other_modules_can_be_tried(model: nn.Module) -> None:
    with pytest.raises(TraceError) as caught:
        clika.trace(model, IMAGES)
    assert caught.value.fix is not None
    assert "compress_parts(model, ['features', 'head'], ...)" in caught.value.fix
    assert "--only features --only head" in caught.value.fix


def test_a_part_is_traced_on_what_it_is_given_in_the_whole(model: nn.Module) -> None:
    traced = clika.trace(model, IMAGES, only=[BACKBONE])[BACKBONE]
    assert [node.name for node in traced.graph.inputs] == ["x", "scale"]
    assert [node.path for node in traced.graph.layers if node.weights] == [
        f"{BACKBONE}.conv",
        f"{BACKBONE}.last",
    ]
    assert traced.graph.name == "Backbone"
    scale = torch.full((3, 1, 1, 1), 0.5)
    inputs = {"x": IMAGES[:3], "scale": scale}
    torch.testing.assert_close(traced.run(inputs), model.features["backbone"](IMAGES[:3], scale))  # type: ignore[index, operator]
    assert all(module.training for module in model.modules())


def test_quantized_parts_stand_in_a_copy_of_the_model(model: nn.Module, tmp_path: Path) -> None:
    settings = clika.Settings()
    settings.set_quantization_settings_for_layer(
        f"{BACKBONE}.conv", clika.LayerQuantizationSettings(skip_quantization=True)
    )
    done = clika.compress_parts(
        model, [BACKBONE], calibration_data=IMAGES, batch_size=4, settings=settings, output_dir=tmp_path
    )
    plan = done.parts[BACKBONE].plan
    assert plan["conv_1"].causes[0].selector == f"{BACKBONE}.conv"
    with torch.no_grad():
        before, after = model.eval()(IMAGES), done.model.eval()(IMAGES)
    distance = float((after - before).norm() / before.norm())
    assert 0 < distance < 0.05
    assert done.model.head[1].weight is not model.head[1].weight  # type: ignore[index, union-attr]
    file = done.parts[BACKBONE].deployed_path
    assert file is not None
    assert file.is_relative_to(tmp_path / BACKBONE)
    names = [entry.name for entry in onnxruntime.InferenceSession(file).get_inputs()]
    assert names == ["x", "scale"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["features.backbon"], "no module 'features.backbon'"),
        ([BACKBONE, f"{BACKBONE}.conv"], "is a part of"),
        (["features"], "does not call 'features'"),
    ],
)
def test_a_path_that_cannot_be_used_is_refused(model: nn.Module, paths: list[str], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        clika.trace(model, IMAGES, only=paths)


def detector() -> nn.Module:
    """What the command line is told to load."""
    torch.manual_seed(0)
    return Detector()


def compressed(folder: Path, *arguments: str) -> int:
    np.savez(folder / "data.npz", inputs=IMAGES.numpy())
    command = (
        "compress",
        f"{__name__}:detector",
        "--data",
        str(folder / "data.npz"),
        "-o",
        str(folder / "out"),
    )
    with pytest.raises(SystemExit) as exit_:
        main((*command, *arguments))
    code = exit_.value.code
    assert isinstance(code, int)
    return code


def test_the_command_line_quantizes_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compressed(tmp_path, "--only", BACKBONE, "--format", "json", "-q") == 0
    (shown,) = json.loads(capsys.readouterr().out)["parts"].values()
    assert shown["layers"]["quantized"] == 3
    assert Path(shown["deployed"]).is_relative_to(tmp_path / "out" / BACKBONE)
    assert compressed(tmp_path, "--only", BACKBONE, "--overwrite") == 0
    out = capsys.readouterr().out
    assert out.startswith(f"{BACKBONE}:\n")
    assert f"written to {tmp_path / 'out' / BACKBONE}/; to run:" in out


def test_a_part_has_no_targets_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compressed(tmp_path, "--only", BACKBONE, "--metric", "top1") == 2
    assert "--only goes with neither --eval-data nor --metric" in capsys.readouterr().err


class Embedded(nn.Module):
    """Adds a constant that it repeats for every sample."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.position = nn.Parameter(torch.linspace(-1, 1, 64).reshape(1, 4, 4, 4))
        self.last = nn.Conv2d(4, 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.last(self.conv(x) + self.position.repeat(x.shape[0], 1, 1, 1))
        return y


def test_a_constant_repeated_for_every_sample_is_measured_on_batches_of_several_sizes() -> None:
    torch.manual_seed(0)
    batches = [(IMAGES[:4],), (IMAGES[4:7],)]
    found = clika.compress(Embedded().eval(), calibration_data=batches, output_dir=None)
    assert 0 < found.quantized.measurements["add_1"].qs < 0.01

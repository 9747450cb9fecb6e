"""Programs written for the earlier generation of the product, with the guide's imports, and what they get."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from clika_compression import (
    LayerQuantizationSettings,
    Settings,
    TensorBoardCallback,
    clika_compress,
    clika_deploy,
    clika_resume,
)
from clika_compression.utils import get_path_to_best_clika_state_result
from clika_core.errors import DataError, ModelError, OutputError, StateError
from clika_core.pipeline.saved_state import SavedState
from clika_core.training.pompom import read_pompom
from tests.backends.torch.small_training import CLASSES, TwoOutputs, accuracy, images, loader, trained
from tests.backends.training import settings, summary

LOSSES = {"ce": nn.functional.cross_entropy}
METRICS = {"accuracy": accuracy}


def evaluation() -> Any:
    return loader(64, seed=1, is_shuffled=False)


def compress(folder: Path, made: Settings | None = None, optimizer: Any = None, **more: Any) -> Path:
    model = more.pop("model", None) or trained()
    arguments: dict[str, Any] = {
        "training_losses": LOSSES,
        "evaluation_metrics": METRICS,
        "init_evaluation_dataset_fn": evaluation,
        **more,
    }
    return Path(clika_compress(folder, made or settings(), model, loader, optimizer=optimizer, **arguments))


def resume(path: Path, **more: Any) -> Path:
    arguments: dict[str, Any] = {
        "training_losses": LOSSES,
        "evaluation_metrics": METRICS,
        "init_evaluation_dataset_fn": evaluation,
        **more,
    }
    return Path(clika_resume(path, loader, **arguments))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last state of a two-epoch training at 8 bits; tests must not change the folder."""
    return compress(tmp_path_factory.mktemp("finished") / "outputs")


def test_a_classifier_is_fine_tuned_and_everything_is_written(finished: Path) -> None:
    folder = finished.parent.parent
    assert finished == folder / "epoch_2" / "model.pompom"
    names = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    log = next(name for name in names if name.startswith("logs/clika_"))
    epochs = {f"epoch_{n}/{name}" for n in range(3) for name in ("model.pompom", "summary.json")}
    pictures = {f"{name}.dot" for name in ("model_init", "model_post_preprocessing")}
    assert names >= epochs | pictures | {log, "best", "clika_report.json", "model.graph.json"}
    text = (folder / log).read_text(encoding="utf-8")
    assert "epoch 1/2, step 6/6: ce" in text
    assert "epoch 2: summary" in text
    assert "Parsing node: 'features.0'" in text or "Parsed to -> 'conv_1'" in text
    assert "skipped: linear_2: tail of" in text
    found = summary(finished)
    assert set(found["training"]) == {"ce", "total"}
    assert set(found["evaluation"]) == {"ce", "total", "accuracy"}
    assert found["evaluation"]["accuracy"]["value"] > 0.9
    assert found["evaluation"]["accuracy"]["original"] > 0.9
    assert (folder / "best").read_text(encoding="utf-8").strip() in {"epoch_0", "epoch_1", "epoch_2"}


def test_the_report_holds_the_curves_of_every_epoch(finished: Path) -> None:
    folder = finished.parent.parent
    (run,) = json.loads((folder / "clika_report.json").read_text(encoding="utf-8"))["training"]
    assert list(run["history"]["epochs"]) == ["0", "1", "2"]
    assert (
        run["history"]["epochs"]["2"]["training"]["total"] == summary(finished)["training"]["total"]["value"]
    )
    assert 'id="curves"' in (folder / "report.html").read_text(encoding="utf-8")


def test_fine_tuning_brings_back_what_low_bits_cost(tmp_path: Path) -> None:
    low = settings(num_epochs=6, learning_rate=5e-3)
    low.global_quantization_settings.weights_num_bits = 2
    low.global_quantization_settings.activations_num_bits = 3
    path = compress(tmp_path / "outputs", low)
    found = [summary(path.parent.parent / f"epoch_{n}" / "x")["evaluation"]["ce"]["value"] for n in (0, 6)]
    assert found[1] < 0.5 * found[0]


def test_the_user_s_model_stays_as_it_was(tmp_path: Path) -> None:
    model = trained()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compress(tmp_path / "outputs", settings(num_epochs=1), optimizer, model=model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not model.training


@pytest.mark.parametrize(
    "make", [None, lambda p: torch.optim.SGD(p, lr=0.01, momentum=0.9), torch.optim.AdamW]
)
@pytest.mark.parametrize(
    "training", [{}, {"reset_train_data": True, "grads_acc_steps": 4}, {"steps_per_epoch": 5}]
)
def test_a_resumed_training_ends_in_the_same_bytes(
    make: Callable[[Any], Any] | None, training: dict[str, Any], tmp_path: Path
) -> None:
    model = trained()
    optimizer = None if make is None else make(model.parameters())
    last = compress(tmp_path / "outputs", settings(**training), optimizer, model=model)
    expected = last.read_bytes()
    last.unlink()
    assert resume(last.parent.parent / "epoch_1" / "model.pompom").read_bytes() == expected
    assert last.read_bytes() == expected


def test_resume_follows_new_skip_rules(finished: Path, tmp_path: Path) -> None:
    state = SavedState.load(finished)
    copied = tmp_path / "outputs" / "epoch_2" / "model.pompom"
    state.save(copied)
    outputs = copied.parent.parent
    shutil.copy(finished.parent.parent / "clika_report.json", outputs)
    more = settings(num_epochs=3)
    more.set_quantization_settings_for_layer(
        "conv_1", LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["conv_2"])
    )
    more.set_quantization_settings_for_layer("linear_2", LayerQuantizationSettings(skip_quantization=False))
    path = resume(copied, new_settings=more)
    assert path.parent.name == "epoch_3"
    before, after = SavedState.load(finished), SavedState.load(path)
    assert ("conv_1", "weight") in before.parameters.weights
    assert ("conv_1", "weight") not in after.parameters.weights
    assert ("linear_2", "weight") in after.parameters.weights
    assert after.parameters.weights["linear_1", "weight"] == before.parameters.weights["linear_1", "weight"]
    assert summary(path)["evaluation"]["accuracy"]["value"] > 0.9
    report = json.loads((outputs / "clika_report.json").read_text())
    layers = {layer["name"]: layer for layer in report["layers"]}
    assert [layers[name]["precision"] for name in ("conv_1", "linear_2")] == ["float", "quantized"]
    assert report["settings"] == more.to_json()
    assert "rule conv_1" in (outputs / "model_post_preprocessing.dot").read_text()


def test_resume_may_begin_at_an_earlier_number(finished: Path, tmp_path: Path) -> None:
    copied = tmp_path / "outputs" / "epoch_2" / "model.pompom"
    SavedState.load(finished).save(copied)
    path = resume(copied, resume_start_epoch=1)
    assert path.parent.name == "epoch_2"
    assert sorted(SavedState.load(path).history.epochs) == [0, 1, 2]
    with pytest.raises(StateError, match="does not follow the saved state"):
        resume(copied, resume_start_epoch=4)


def test_two_losses_one_of_them_a_dict_and_inputs_by_name(tmp_path: Path) -> None:
    torch.manual_seed(0)
    draws = torch.Generator().manual_seed(1)
    left, right = torch.randn(32, 6, generator=draws), torch.randn(32, 4, generator=draws)
    classes, size = torch.randint(0, CLASSES, (32,), generator=draws), left.sum(dim=1, keepdim=True)

    def dataset() -> list[Any]:
        rows = range(0, 32, 8)
        return [
            (
                {"right": right[row : row + 8], "left": left[row : row + 8]},
                {"classes": classes[row : row + 8], "size": size[row : row + 8]},
            )
            for row in rows
        ]

    def both(outputs: dict[str, Tensor], targets: dict[str, Tensor]) -> dict[str, Tensor]:
        return {
            "classes": nn.functional.cross_entropy(outputs["classes"], targets["classes"]),
            "size": nn.functional.mse_loss(outputs["size"], targets["size"]),
        }

    class Errors:
        """As torchmetrics have it."""

        def __init__(self) -> None:
            self.total = 0.0

        def update(self, outputs: dict[str, Tensor], targets: dict[str, Tensor]) -> None:
            self.total += float((outputs["size"] - targets["size"]).abs().sum())

        def compute(self) -> dict[str, float]:
            return {"sum": self.total}

        def reset(self) -> None:
            self.total = 0.0

    path = clika_compress(
        tmp_path / "outputs",
        settings(learning_rate=1e-2),
        TwoOutputs(),
        dataset,
        dataset,
        None,
        {"task": both, "norm": lambda outputs, _: [outputs["size"].pow(2).mean() * 1e-3]},
        {"errors": Errors()},
        None,
        {"errors": Errors()},
    )
    found = summary(Path(path))
    names = {"task_classes", "task_size", "norm_0", "total", "errors_sum"}
    assert set(found["training"]) == set(found["evaluation"]) == names
    total = sum(found["training"][name]["value"] for name in ("task_classes", "task_size", "norm_0"))
    assert found["training"]["total"]["value"] == pytest.approx(total)
    best = get_path_to_best_clika_state_result(tmp_path / "outputs", "errors_sum", find_lowest=True)
    values = {
        n: summary(tmp_path / "outputs" / f"epoch_{n}" / "x")["evaluation"]["errors_sum"]["value"]
        for n in range(3)
    }
    assert best == str(
        tmp_path / "outputs" / f"epoch_{min(values, key=lambda n: values[n])}" / "model.pompom"
    )


def test_deploy_with_sizes_that_are_free(finished: Path, tmp_path: Path) -> None:
    path = clika_deploy(
        finished,
        tmp_path / "deployed",
        input_shapes=[(None, 1, None, None)],
        graph_author="someone",
        graph_description="a classifier",
        file_suffix="_int8",
    )
    assert path == str(tmp_path / "deployed" / "SmallClassifier_int8.onnx")
    model = onnx.load(path)
    assert (model.producer_name, model.graph.doc_string) == ("someone", "a classifier")
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (name,) = (value.name for value in session.get_inputs())
    pictures, labels = images(32, seed=1)
    (logits,) = session.run(None, {name: pictures.numpy()})
    assert (logits.argmax(axis=1) == labels.numpy()).mean() > 0.9
    (larger,) = session.run(None, {name: np.zeros((3, 1, 20, 12), np.float32)})
    assert larger.shape == (3, CLASSES)


def test_the_deployed_file_says_what_the_trained_model_says(finished: Path, tmp_path: Path) -> None:
    path = clika_deploy(finished, tmp_path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()
    pictures, labels = images(64, seed=1)
    (logits,) = session.run(None, {value.name: pictures.numpy()})
    measured = (logits.argmax(axis=1) == labels.numpy()).mean()
    assert measured == pytest.approx(summary(finished)["evaluation"]["accuracy"]["value"])
    loss = nn.functional.cross_entropy(torch.from_numpy(logits), labels)
    assert float(loss) == pytest.approx(summary(finished)["evaluation"]["ce"]["value"], rel=1e-3)


def test_shapes_that_the_model_cannot_have_are_refused(finished: Path, tmp_path: Path) -> None:
    for shapes, message in [
        ([(None, 3, 8, 8)], "traced with another size on axis 1"),
        ([(None, 1, 8)], "another number of axes"),
        ([None, None], "not beside the model's inputs"),
        ([(None, None, 8, 8)], "cannot take other sizes"),
    ]:
        with pytest.raises(OutputError, match=message):
            clika_deploy(finished, tmp_path, input_shapes=shapes)  # type: ignore[arg-type]
    path = clika_deploy(finished, tmp_path, input_shapes=[(5, 1, 8, 8)])
    (value,) = onnx.load(path).graph.input
    assert [axis.dim_value for axis in value.type.tensor_type.shape.dim] == [5, 1, 8, 8]


def test_widths_without_a_kernel_are_trained_and_not_deployed(tmp_path: Path) -> None:
    low = settings(num_epochs=0)
    low.global_quantization_settings.activations_num_bits = 3
    path = compress(tmp_path / "outputs", low)
    assert path.parent.name == "epoch_0"
    with pytest.raises(OutputError, match="was trained for 8-bit weights and 3-bit activations"):
        clika_deploy(path, tmp_path / "deployed")


def test_ptq_trains_nothing(tmp_path: Path) -> None:
    plain = settings()
    plain.global_quantization_settings.method = "ptq"
    assert compress(tmp_path / "outputs", plain).parent.name == "epoch_0"


def test_only_every_other_epoch_is_saved_and_the_last(tmp_path: Path) -> None:
    path = compress(tmp_path / "outputs", settings(num_epochs=3, save_interval=2, skip_initial_eval=True))
    saved = sorted(place.parent.name for place in (tmp_path / "outputs").glob("epoch_*/model.pompom"))
    assert saved == ["epoch_0", "epoch_2", "epoch_3"]
    assert summary(path)["evaluation"]["ce"]["original"] is None
    assert (tmp_path / "outputs" / "best").read_text(encoding="utf-8").strip() in saved


def test_every_layer_of_the_saved_state_is_data(finished: Path) -> None:
    pompom = read_pompom(finished)
    assert {array.dtype.kind for array in pompom.arrays.values()} <= set("fiu")
    json.dumps(pompom.content, allow_nan=False)


def test_a_used_folder_is_refused(finished: Path) -> None:
    with pytest.raises(OutputError, match="in use"):
        compress(finished.parent.parent)


def test_a_loss_that_is_no_number_ends_the_training_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a loss is no finite number in epoch 1, step 1"):
        compress(
            tmp_path / "outputs",
            training_losses={"ce": lambda outputs, _: outputs.mean() * float("nan")},
            evaluation_losses=LOSSES,
        )
    assert (tmp_path / "outputs" / "epoch_0" / "model.pompom").is_file()


@pytest.fixture
def interruptible() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt, also in a shell's background job, which ignores it."""
    kept = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, kept)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGTERM, SystemExit), (signal.SIGINT, KeyboardInterrupt)]
)
def test_a_training_that_is_asked_to_stop_says_where_to_go_on(
    number: signal.Signals, raised: type[BaseException], finished: Path, tmp_path: Path
) -> None:
    calls: list[None] = []

    def stopped(outputs: Tensor, targets: Tensor) -> Tensor:
        calls.append(None)
        if len(calls) == 9:
            os.kill(os.getpid(), number)
        return nn.functional.cross_entropy(outputs, targets)

    with pytest.raises(raised) as info:
        compress(tmp_path / "outputs", training_losses={"ce": stopped}, evaluation_losses=LOSSES)
    if raised is SystemExit:
        assert info.value.args == (143,)
    (log,) = (tmp_path / "outputs" / "logs").iterdir()
    state = tmp_path / "outputs" / "epoch_1" / "model.pompom"
    assert f"interrupted: clika_resume goes on from {state}" in log.read_text(encoding="utf-8")
    expected, found = SavedState.load(finished).weights, SavedState.load(resume(state)).weights
    assert all((found[name][role] == a).all() for name, own in expected.items() for role, a in own.items())


def test_an_optimizer_of_other_parameters_is_refused(tmp_path: Path) -> None:
    other = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(ModelError, match="holds a parameter that is not the model's"):
        compress(tmp_path / "outputs", optimizer=other)


def test_activations_in_host_memory_change_no_bit(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered: list[None] = []

    class Counted(torch.autograd.graph.save_on_cpu):
        def __enter__(self) -> None:
            entered.append(None)
            super().__enter__()

    monkeypatch.setattr("clika_torch.trainable.save_on_cpu", Counted)
    path = compress(tmp_path / "outputs", settings(activations_offloading=True))
    assert len(entered) == 12
    expected, found = SavedState.load(finished).weights, SavedState.load(path).weights
    assert all((found[name][role] == a).all() for name, own in expected.items() for role, a in own.items())


def test_another_learning_rate_than_the_last_one_is_warned_of(tmp_path: Path) -> None:
    warned = settings(num_epochs=0, learning_rate=1e-2, original_last_learning_rate=1e-4)
    compress(tmp_path / "outputs", warned)
    (log,) = (tmp_path / "outputs" / "logs").iterdir()
    assert "the learning rate is 0.01, 100 times the last one" in log.read_text(encoding="utf-8")
    report = json.loads((tmp_path / "outputs" / "clika_report.json").read_text(encoding="utf-8"))
    assert report["learning_rate"] == 1e-2


def test_callbacks_see_every_step_and_epoch(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    compress(
        tmp_path / "outputs", settings(num_epochs=1), callbacks=[TensorBoardCallback(tmp_path / "board")]
    )
    assert len(list((tmp_path / "board").iterdir())) == 1

"""The functions of the product guide with Keras models: fine-tuned, resumed bit by bit, deployed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pytest
import tensorflow as tf

from clika_compression import (
    LayerQuantizationSettings,
    Settings,
    clika_compress,
    clika_deploy,
    clika_resume,
)
from clika_core.errors import ModelError, SettingsError, StateError
from clika_core.pipeline.saved_state import SavedState
from clika_core.training.pompom import read_pompom
from tests.backends.tensorflow.small_training import TwoOutputs, accuracy, cross_entropy, loader, trained
from tests.backends.training import Trainings, low_bits, patterns, settings, summary, two_inputs

LOSSES = {"ce": cross_entropy}
METRICS = {"accuracy": accuracy}
TRAININGS = Trainings(loader, LOSSES, METRICS)
compress, resume, evaluation = TRAININGS.compress, TRAININGS.resume, TRAININGS.evaluation


@pytest.fixture(scope="module")
def model() -> Any:
    return trained()


@pytest.fixture(scope="module")
def finished(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The last state of a two-epoch training at 8 bits; tests must not change the folder."""
    return compress(tmp_path_factory.mktemp("finished") / "outputs", model)


def test_a_classifier_is_fine_tuned_and_everything_is_written(finished: Path, model: Any) -> None:
    folder = finished.parent.parent
    assert finished == folder / "epoch_2" / "model.pompom"
    found = summary(finished)
    assert set(found["training"]) == {"ce", "total"}
    assert set(found["evaluation"]) == {"ce", "total", "accuracy"}
    assert found["evaluation"]["accuracy"]["value"] > 0.9
    pictures, labels = patterns(64, 1)
    own = float(accuracy(model(pictures), labels))
    assert found["evaluation"]["accuracy"]["original"] == pytest.approx(own)
    assert (folder / "best").read_text(encoding="utf-8").strip() in {"epoch_0", "epoch_1", "epoch_2"}
    pompom = read_pompom(finished)
    assert {array.dtype.kind for array in pompom.arrays.values()} <= set("fiu")
    json.dumps(pompom.content, allow_nan=False)


def test_the_deployed_file_says_what_the_trained_model_says(finished: Path, tmp_path: Path) -> None:
    path = clika_deploy(finished, tmp_path, input_shapes=[(None, 8, 8, 1)], file_suffix="_int8")
    assert Path(path).name == "Sequential_int8.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pictures, labels = patterns(64, seed=1)
    (value,) = session.get_inputs()
    (logits,) = session.run(None, {value.name: pictures})
    loss = float(cross_entropy(tf.constant(logits), labels))
    assert loss == pytest.approx(summary(finished)["evaluation"]["ce"]["value"], rel=1e-3)


@pytest.mark.parametrize(
    ("make", "made"),
    [
        (None, low_bits(learn_scales=True, distillation="layers", grads_acc_steps=4)),
        pytest.param(
            *(None, low_bits(learn_scales=True, distillation="outputs", clip_grad_norm_val=0.1)),
            marks=pytest.mark.nightly,
        ),
        pytest.param(
            *(lambda: keras.optimizers.SGD(0.01, momentum=0.9), settings(steps_per_epoch=5)),
            marks=pytest.mark.nightly,
        ),
        (
            lambda: keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(1e-3, 12)),
            low_bits(learn_scales=True),
        ),
    ],
)
def test_a_resumed_training_ends_in_the_same_bytes(
    make: Callable[[], Any] | None, made: Settings, model: Any, tmp_path: Path
) -> None:
    last = compress(tmp_path / "outputs", model, made, None if make is None else make())
    expected = last.read_bytes()
    last.unlink()
    assert resume(last.parent.parent / "epoch_1" / "model.pompom", model).read_bytes() == expected


def test_the_user_s_model_and_optimizer_stay_as_they_were(model: Any, tmp_path: Path) -> None:
    optimizer = model.optimizer
    variables = [*model.variables, *optimizer.variables]
    before = [variable.numpy() for variable in variables]
    path = compress(tmp_path / "outputs", model, settings(num_epochs=1), optimizer)
    for variable, array in zip(variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), array)
    native = SavedState.load(path.parent.parent / "epoch_0" / "model.pompom").native
    dense = next(v for v in model.trainable_variables if v.path.endswith("dense/kernel"))
    place = next(i for i, v in enumerate(optimizer._trainable_variables) if v is dense)
    np.testing.assert_array_equal(
        native.arrays["optimizer.dense.kernel/_momentums"], optimizer._momentums[place].numpy()
    )
    assert not native.arrays["optimizer.conv2d.kernel/_momentums"].any()  # the norm is folded into it
    assert native.values["optimizer"]["rate"] == pytest.approx(0.01)


def test_variables_that_the_optimizer_does_not_hold_stay(model: Any, tmp_path: Path) -> None:
    optimizer = keras.optimizers.SGD(0.1)
    head = model.layers[-1]
    optimizer.build(head.trainable_variables)
    path = compress(tmp_path / "outputs", model, settings(num_epochs=1), optimizer)
    first = SavedState.load(path.parent.parent / "epoch_0" / "model.pompom").weights
    last = SavedState.load(path).weights
    changed = {
        (layer, role)
        for layer, own in last.items()
        for role, a in own.items()
        if (a != first[layer][role]).any()
    }
    assert {layer for layer, _ in changed} == {"linear_2"}
    foreign = keras.optimizers.SGD(0.1)
    foreign.build(trained(epochs=0).trainable_variables)
    with pytest.raises(ModelError, match="holds a variable that is not the model's"):
        compress(tmp_path / "foreign", model, optimizer=foreign)
    with pytest.raises(ModelError, match="no optimizer of Keras'"):
        compress(tmp_path / "wrong", model, optimizer=object())


def test_resume_follows_new_skip_rules(finished: Path, tmp_path: Path) -> None:
    copied = tmp_path / "outputs" / "epoch_2" / "model.pompom"
    SavedState.load(finished).save(copied)
    more = settings(num_epochs=3)
    more.set_quantization_settings_for_layer(
        "conv_1", LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["conv_2"])
    )
    path = resume(copied, None, new_settings=more)  # the model is at hand: this process compressed it
    before, after = SavedState.load(finished), SavedState.load(path)
    assert ("conv_1", "weight") in before.parameters.weights
    assert ("conv_1", "weight") not in after.parameters.weights
    assert after.parameters.weights["linear_1", "weight"] == before.parameters.weights["linear_1", "weight"]
    assert summary(path)["evaluation"]["accuracy"]["value"] > 0.9


def test_another_process_needs_the_model_again(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clika_core.pipeline.known_models._known", {})
    with pytest.raises(StateError, match="this state holds no program"):
        resume(finished, None)
    with pytest.raises(StateError, match="the model is not the one that was saved"):
        resume(finished, keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(2, 3)]))


def test_two_losses_one_of_them_a_dict_and_inputs_by_name(tmp_path: Path) -> None:
    def both(outputs: Any, targets: Any) -> dict[str, Any]:
        return {
            "classes": cross_entropy(outputs["classes"], targets["classes"]),
            "size": tf.reduce_mean(tf.square(outputs["size"] - targets["size"])),
        }

    two = TwoOutputs()
    (inputs, _), *_ = two_inputs()
    two(**inputs)
    path = clika_compress(
        tmp_path / "outputs",
        settings(learning_rate=1e-2),
        two,
        two_inputs,
        two_inputs,
        None,
        {"task": both, "norm": lambda outputs, _: [tf.reduce_mean(outputs["size"] ** 2) * 1e-3]},
    )
    found = summary(Path(path))
    assert set(found["training"]) == {"task_classes", "task_size", "norm_0", "total"}
    total = sum(found["training"][name]["value"] for name in ("task_classes", "task_size", "norm_0"))
    assert found["training"]["total"]["value"] == pytest.approx(total)


def test_a_module_without_keras_is_fine_tuned(tmp_path: Path) -> None:
    class Module(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            draws = np.random.default_rng(0)
            self.first = tf.Variable(draws.standard_normal((6, 8)), dtype=tf.float32)
            self.second = tf.Variable(draws.standard_normal((8, 3)), dtype=tf.float32)

        def __call__(self, x: Any) -> Any:
            return tf.matmul(tf.nn.relu(tf.matmul(x, self.first)), self.second)

    data = np.random.default_rng(1).standard_normal((32, 6)).astype(np.float32)
    path = clika_compress(
        tmp_path / "outputs",
        low_bits(learn_scales=True),
        Module(),
        lambda: [(data[:16], None), (data[16:], None)],
    )
    epochs = [summary(Path(path).parent.parent / f"epoch_{n}" / "x")["training"] for n in (1, 2)]
    assert epochs[1]["distillation_outputs"]["value"] < epochs[0]["distillation_outputs"]["value"]


def test_random_numbers_of_tensorflow_come_again(model: Any, tmp_path: Path) -> None:
    def noisy() -> Any:
        for inputs, targets in loader():
            yield inputs + 0.1 * tf.random.normal(tf.shape(inputs)) * keras.random.uniform([1]), targets

    def run(folder: Path) -> Path:
        return Path(clika_compress(folder, settings(), model, noisy, None, None, LOSSES))

    last = run(tmp_path / "one")
    assert summary(run(tmp_path / "two")) == summary(last)
    expected = last.read_bytes()
    last.unlink()
    again = clika_resume(
        last.parent.parent / "epoch_1" / "model.pompom", noisy, training_losses=LOSSES, model=model
    )
    assert Path(again).read_bytes() == expected


def test_a_key_that_the_backend_cannot_honour_is_an_error(model: Any, tmp_path: Path) -> None:
    made = settings(activations_offloading=True)
    with pytest.raises(SettingsError, match="tensorflow backend does not honour training_settings"):
        compress(tmp_path / "outputs", model, made)

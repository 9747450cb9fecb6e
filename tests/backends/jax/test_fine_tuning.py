"""The functions of the product guide with models of JAX: fine-tuned, resumed bit by bit, deployed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import onnxruntime
import optax
import pytest

from clika_compression import (
    LayerQuantizationSettings,
    Settings,
    clika_compress,
    clika_deploy,
)
from clika_core.errors import ModelError, StateError
from clika_core.pipeline.saved_state import SavedState
from tests.backends.jax.small_training import accuracy, cross_entropy, loader, trained, two_outputs
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
    assert finished == finished.parent.parent / "epoch_2" / "model.pompom"
    found = summary(finished)
    assert set(found["training"]) == {"ce", "total"}
    assert found["evaluation"]["accuracy"]["value"] > 0.9
    pictures, labels = patterns(64, 1)
    own = float(accuracy(model(jnp.asarray(pictures)), labels))
    assert found["evaluation"]["accuracy"]["original"] == pytest.approx(own)


def test_the_deployed_file_says_what_the_trained_model_says(finished: Path, tmp_path: Path) -> None:
    path = clika_deploy(finished, tmp_path, input_shapes=[(None, 8, 8, 1)])
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    pictures, labels = patterns(64, seed=1)
    (value,) = session.get_inputs()
    (logits,) = session.run(None, {value.name: pictures})
    loss = float(cross_entropy(jnp.asarray(logits), labels))
    assert loss == pytest.approx(summary(finished)["evaluation"]["ce"]["value"], rel=1e-3)


@pytest.mark.parametrize(
    ("make", "made"),
    [
        (None, low_bits(learn_scales=True, distillation="layers", grads_acc_steps=4)),
        (lambda: optax.sgd(0.01, momentum=0.9), settings(steps_per_epoch=5, clip_grad_norm_val=0.1)),
        (lambda: optax.adamw(optax.cosine_decay_schedule(1e-3, 12)), low_bits(learn_scales=True)),
    ],
)
def test_a_resumed_training_ends_in_the_same_bytes(
    make: Callable[[], Any] | None, made: Settings, model: Any, tmp_path: Path
) -> None:
    last = compress(tmp_path / "outputs", model, made, None if make is None else make())
    expected = last.read_bytes()
    last.unlink()
    first = last.parent.parent / "epoch_1" / "model.pompom"
    if make is not None:
        with pytest.raises(StateError, match="an optimizer of the user's, which is code"):
            resume(first, model)
    again = resume(first, model, optimizer=None if make is None else make())
    assert again.read_bytes() == expected


def test_an_optimizer_trains_what_it_is_told_to(model: Any, tmp_path: Path) -> None:
    def labels(params: Any) -> Any:
        return {name: "trained" if name == "head" else "fixed" for name in params}

    chosen = optax.multi_transform({"trained": optax.sgd(0.1), "fixed": optax.set_to_zero()}, labels)
    path = compress(tmp_path / "outputs", model, settings(num_epochs=1), chosen)
    first = SavedState.load(path.parent.parent / "epoch_0" / "model.pompom").weights
    last = SavedState.load(path).weights
    changed = {n for n, own in last.items() for role, a in own.items() if (a != first[n][role]).any()}
    assert changed == {"linear_2"}
    with pytest.raises(ModelError, match="no optimizer of JAX"):
        compress(tmp_path / "wrong", model, optimizer=object())
    masked = optax.masked(optax.sgd(0.1), {"other": True})
    with pytest.raises(ModelError, match="does not take the quantized model's parameters"):
        compress(tmp_path / "masked", model, optimizer=masked)


def test_weight_decay_leaves_learned_scales_alone(model: Any, tmp_path: Path) -> None:
    decaying = optax.chain(optax.set_to_zero(), optax.add_decayed_weights(-0.1))
    path = compress(tmp_path / "outputs", model, low_bits(learn_scales=True, num_epochs=1), decaying)
    first, last = SavedState.load(path.parent.parent / "epoch_0" / "model.pompom"), SavedState.load(path)
    for key, params in last.parameters.weights.items():
        np.testing.assert_array_equal(params.scale, first.parameters.weights[key].scale)
    assert (last.weights["linear_1"]["weight"] != first.weights["linear_1"]["weight"]).any()


def test_resume_follows_new_skip_rules(finished: Path, tmp_path: Path) -> None:
    copied = tmp_path / "outputs" / "epoch_2" / "model.pompom"
    SavedState.load(finished).save(copied)
    more = settings(num_epochs=3)
    more.set_quantization_settings_for_layer(
        "conv_1", LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["conv_2"])
    )
    after = SavedState.load(resume(copied, None, new_settings=more))
    before = SavedState.load(finished)
    assert ("conv_1", "weight") in before.parameters.weights
    assert ("conv_1", "weight") not in after.parameters.weights
    assert after.parameters.weights["linear_1", "weight"] == before.parameters.weights["linear_1", "weight"]


def test_two_losses_one_of_them_a_dict_and_inputs_by_name(tmp_path: Path) -> None:
    def both(outputs: Any, targets: Any) -> dict[str, Any]:
        return {
            "classes": cross_entropy(outputs["classes"], targets["classes"]),
            "size": jnp.square(outputs["size"] - targets["size"]).mean(),
        }

    path = clika_compress(
        tmp_path / "outputs",
        settings(learning_rate=1e-2),
        two_outputs(),
        two_inputs,
        two_inputs,
        None,
        {"task": both, "norm": lambda outputs, _: [jnp.mean(outputs["size"] ** 2) * 1e-3]},
    )
    found = summary(Path(path))
    assert set(found["training"]) == {"task_classes", "task_size", "norm_0", "total"}
    total = sum(found["training"][name]["value"] for name in ("task_classes", "task_size", "norm_0"))
    assert found["training"]["total"]["value"] == pytest.approx(total)


def test_targets_that_no_compiler_takes_are_given_to_the_loss(model: Any, tmp_path: Path) -> None:
    def named() -> Any:
        inputs, labels = patterns(32)
        return [(inputs, [f"class {label}" for label in labels])]

    def loss(outputs: Any, targets: list[str]) -> Any:
        return cross_entropy(outputs, np.array([int(name.removeprefix("class ")) for name in targets]))

    path = clika_compress(
        tmp_path / "outputs", settings(num_epochs=1), model, named, None, None, {"ce": loss}
    )
    assert summary(Path(path))["training"]["ce"]["value"] > 0

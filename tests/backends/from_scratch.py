"""Training from scratch in any framework: what it must give, whatever the model is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from clika_compression import LayerQuantizationSettings, clika_compress, clika_deploy
from clika_core.pipeline.saved_state import SavedState
from clika_core.training.callbacks import Callback
from tests.backends.training import Trainings, settings, summary

EPOCHS = 8


class OwnPass(NamedTuple):
    """What the framework's own pass in training mode gives."""

    loss: float
    gradient_norm: float
    statistics: Mapping[str, NDArray[Any]]  # of the first norm, after the batch


class _Steps(Callback):
    def __init__(self) -> None:
        self.values: list[Mapping[str, float]] = []

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        self.values.append(values)


def assert_learns(trainings: Trainings, model: Any, folder: Path, *, resumed_with: Any) -> None:
    """An untrained model learns at 8 bits; a resumed training ends in the same bytes, and its file says the same."""
    made = settings(
        num_epochs=EPOCHS, is_training_from_scratch=True, learning_rate=1e-2, lr_warmup_steps_per_epoch=0
    )
    last = trainings.compress(folder / "outputs", model, made)
    found = summary(last)["evaluation"]
    assert found["accuracy"]["original"] < 0.6
    assert found["accuracy"]["value"] > 0.9
    epochs = [folder / "outputs" / f"epoch_{number}" / "model.pompom" for number in range(EPOCHS + 1)]
    ranges = [SavedState.load(path).parameters for path in epochs]
    assert all(after != before for before, after in pairwise(ranges[:-1]))
    assert ranges[-1] == ranges[-2]  # by default the last epoch trains with ranges that stay
    expected = last.read_bytes()
    for path in epochs[EPOCHS - 1 :]:
        path.unlink()
    assert trainings.resume(epochs[EPOCHS - 2], resumed_with).read_bytes() == expected
    session = onnxruntime.InferenceSession(clika_deploy(last, folder), providers=["CPUExecutionProvider"])
    (value,) = session.get_inputs()
    right = [
        session.run(None, {value.name: np.asarray(inputs)})[0].argmax(1) == np.asarray(labels)
        for inputs, labels in trainings.evaluation()
    ]
    assert np.mean(np.concatenate(right)) == pytest.approx(found["accuracy"]["value"], abs=0.02)


def assert_trains_as_the_framework(
    trainings: Trainings, model: Any, own_pass: Callable[[Any, Any], OwnPass], first: str, folder: Path
) -> None:
    """In float: loss, gradients and running statistics are those of the framework's own norms in training mode."""
    made = settings(
        num_epochs=1,
        steps_per_epoch=1,
        is_training_from_scratch=True,
        freeze_observers_after_epochs=0,
        clip_grad_norm_val=1e9,
    )
    every = LayerQuantizationSettings(skip_quantization=True, skip_quantization_downstream=True)
    made.set_quantization_settings_for_layer(first, every)
    steps = _Steps()
    batches = list(trainings.loader(is_shuffled=False))
    path = clika_compress(
        folder / "outputs",
        made,
        model,
        lambda: batches,
        training_losses=trainings.losses,
        callbacks=[steps],
    )
    state, (values,) = SavedState.load(path), steps.values
    assert not state.parameters.weights
    wanted = own_pass(model, batches[0])
    assert values["ce"] == pytest.approx(wanted.loss, rel=1e-5)
    assert values["gradient_norm"] == pytest.approx(wanted.gradient_norm, rel=1e-4)
    native = state.native.arrays
    for name, array in wanted.statistics.items():
        assert any(
            name in key and kept.shape == array.shape and np.allclose(kept, array, 1e-4, 1e-6)
            for key, kept in native.items()
        ), name

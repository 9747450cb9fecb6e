"""A program written for the earlier generation of the product, with the guide's names alone, in any framework."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from clika_compression import LayerQuantizationSettings, Settings, clika_compress, clika_deploy, clika_resume
from clika_compression.utils import get_path_to_best_clika_state_result
from clika_core.pipeline.saved_state import SavedState
from tests.backends.training import two_inputs


def run_program(
    model: Any,
    task_loss: Callable[[Any, Any], Any],
    size_loss: Callable[[Any, Any], Any],
    error: Callable[[Any, Any], Any],
    folder: Path,
) -> None:
    """Dict inputs, two losses of which one is a dict and one a list, a resume with new skip rules, a free batch."""
    outputs = folder / "outputs"
    losses: Mapping[str, Any] = {"task": task_loss, "size": size_loss}

    settings = Settings()
    settings.training_settings.num_epochs = 2
    settings.training_settings.learning_rate = 1e-2
    settings.training_settings.stats_steps = 4
    last = clika_compress(
        output_path=str(outputs),
        settings=settings,
        model=model,
        init_training_dataset_fn=two_inputs,
        init_evaluation_dataset_fn=two_inputs,
        optimizer=None,
        training_losses=losses,
        training_metrics=None,
        evaluation_losses=losses,
        evaluation_metrics={"error": error},
        callbacks=[],
    )
    best = get_path_to_best_clika_state_result(str(outputs), key_name="error", find_lowest=True)
    assert Path(best).is_file()

    new_settings = Settings()
    new_settings.training_settings.num_epochs = 3
    new_settings.set_quantization_settings_for_layer(
        "linear_1", LayerQuantizationSettings(skip_quantization=True, skip_quantization_until=["add_1"])
    )
    resumed = clika_resume(
        clika_state_path=str(last),
        init_training_dataset_fn=two_inputs,
        init_evaluation_dataset_fn=two_inputs,
        training_losses=losses,
        evaluation_losses=losses,
        evaluation_metrics={"error": error},
        new_settings=new_settings,
    )
    before, after = (SavedState.load(path).parameters.weights for path in (last, resumed))
    assert ("linear_1", "weight") in before
    assert ("linear_1", "weight") not in after

    deployed = clika_deploy(resumed, str(folder), input_shapes=[(None, 6), (None, 4)], file_suffix="_int8")
    session = onnxruntime.InferenceSession(deployed, providers=["CPUExecutionProvider"])
    whole = {
        name: np.concatenate([np.asarray(inputs[name]) for inputs, _ in two_inputs()])
        for name in ("left", "right")
    }
    given = {value.name: value.shape[1] for value in session.get_inputs()}
    by_width = {array.shape[1]: array for array in whole.values()}
    found = session.run(None, {name: by_width[width] for name, width in given.items()})
    size = next(array for array in found if array.shape[1] == 1)
    wanted = np.concatenate([targets["size"] for _, targets in two_inputs()])
    summary = SavedState.load(resumed).history.epochs[3]["evaluation"]["error"]
    assert np.mean(np.abs(size - wanted)) == pytest.approx(summary, rel=0.02)

"""`LoopbackBackend`: finds loopback models and traces them. NumPy is imported when a method needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

from clika_core.backend.gaps import Gap, GapKind
from clika_core.backend.interface import Backend, BackendDescription, TracedModel
from clika_core.errors import ModelError

GAPS = (
    Gap(
        "training",
        GapKind.FRAMEWORK,
        "NumPy has no gradients: a native model computes and does not learn",
        (
            "test_gradients_are_straight_through",
            "test_gradients_reach_sums_and_biases",
            "test_gradients_stop_at_a_clip",
            "test_gradients_reach_what_is_multiplied_and_added",
            "test_the_native_model_learns",
            "test_fine_tuning_brings_the_quantized_model_closer",
            "test_learned_scales_begin_with_the_fixed_ones_numbers",
            "test_a_saved_training_goes_on_bit_by_bit",
            "test_a_state_of_another_model_is_refused",
            "test_gradients_add_up_over_batches",
            "test_the_learning_rate_is_what_was_asked_for",
            "test_a_share_of_a_batch_counts_for_its_weight",
            "test_the_trained_weights_can_be_deployed",
        ),
    ),
    Gap(
        "compilation",
        GapKind.FRAMEWORK,
        "NumPy has no compiler",
        (
            "test_compiled_codes_equal_the_reference",
            "test_products_and_sums_are_rounded_once[compiled]",
            "test_products_are_rounded_before_sums[compiled]",
            "test_inverse_roots_equal_the_reference[compiled]",
        ),
    ),
    Gap("recurrent layers", GapKind.BY_DESIGN, "loopback computes no lstm", ("[lstm]",)),
    Gap("the demo", GapKind.BY_DESIGN, "there is no demo network for loopback"),
)


class LoopbackBackend(Backend):
    """Models of the class `clika_loopback.model.LoopbackModel`."""

    name = "loopback"
    distribution = "clika-loopback"

    def accepts(self, model: Any) -> bool:
        """Whether `model` is a `LoopbackModel`; where that was never imported, nothing can be one."""
        module = sys.modules.get("clika_loopback.model")
        return module is not None and isinstance(model, module.LoopbackModel)

    def trace(self, model: Any, example_inputs: Any, *, name: str | None = None) -> TracedModel:
        """Trace `model`. Raises DataError or TraceError where it does not take the example inputs."""
        from clika_loopback.traced_model import trace

        return trace(model, example_inputs, name)

    def describe(self) -> BackendDescription:
        """NumPy's version, or that it is not installed."""
        try:
            version = metadata.version("numpy")
        except metadata.PackageNotFoundError:
            return BackendDescription(self.name, "NumPy", None, problem="numpy is not installed")
        capabilities = ("trace", "run", "interpret", "preprocess", "native", "parameters")
        return BackendDescription(self.name, "NumPy", version, ("cpu",), capabilities, GAPS)

    def demo_network(self, weights: Path | None = None) -> Any:
        """Refuse: a stated gap."""
        raise _no_demo()

    def train_demo_network(self, folder: Path, *, seed: int, progress: Callable[[str], None]) -> Path:
        """Refuse: a stated gap."""
        raise _no_demo()


def _no_demo() -> ModelError:
    return ModelError("loopback has no demo network", fix="use --backend torch")

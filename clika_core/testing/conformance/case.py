"""`Case`: one reference model through the stages of the main job, each made when a check first needs it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall, Removals, TracedModel
from clika_core.backend.preprocessing import preprocess
from clika_core.backend.trainable import Setup, Trainable
from clika_core.ir.graph import Node
from clika_core.ir.operators import Trait, trait_of
from clika_core.pipeline.data import Batches
from clika_core.pipeline.learned_scales import learned_scales
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_core.testing.conformance.architectures import ARCHITECTURES, Architecture
from clika_core.testing.conformance.harness import BackendHarness, Subject
from clika_core.training.program import Distillation, QuantizedProgram, distilled_layers

CALIBRATION = 2


class Case:
    """A reference model of one backend. What is made here is shared by checks, which must not change it."""

    def __init__(self, name: str, harness: BackendHarness) -> None:
        """Nothing is built yet."""
        self.name, self.harness = name, harness
        self.architecture: Architecture = ARCHITECTURES[name]

    @cached_property
    def subject(self) -> Subject:
        """The model as its author built it."""
        return self.harness.builders()[self.name]()

    @cached_property
    def traced(self) -> TracedModel:
        """Traced on two samples."""
        return self.trace(2)

    @cached_property
    def preprocessed(self) -> TracedModel:
        """Without the layers that preprocessing removes."""
        return preprocess(self.traced)

    @cached_property
    def quantized(self) -> Quantized:
        """Every layer that can be, quantized with min-max ranges for onnxruntime's arithmetic."""
        settings = Settings()
        settings.global_quantization_settings.skip_tail_quantization = False
        settings.global_quantization_settings.observer = "min_max"
        batches = [self.inputs(8, seed) for seed in range(CALIBRATION)]
        return quantize_traced(self.traced, settings, ORT, Batches(batches), lambda _: None)

    @cached_property
    def few_bits(self) -> Quantized:
        """The same with 3-bit weights and activations, which leave something to train for."""
        settings = Settings()
        settings.global_quantization_settings.observer = "min_max"
        settings.global_quantization_settings.skip_tail_quantization = False
        settings.global_quantization_settings.weights_num_bits = 3
        settings.global_quantization_settings.activations_num_bits = 3
        target = ORT.with_simulated_bits()
        return quantize_traced(self.traced, settings, target, Batches([self.inputs(8)]), lambda _: None)

    def trainable(self, *, learn_scales: bool = True, **setup: Any) -> Trainable:
        """`few_bits` taught by the float model, in outputs and layers; no loss of a user's."""
        found, settings = self.few_bits, Settings()
        settings.training_settings.learn_scales = learn_scales
        model, target = found.model, found.target
        learned = learned_scales(settings, model, found.plan, found.simulation, target, found.parameters)
        teacher = Distillation(model.preprocess(Removals({})), distilled_layers(found.simulation))
        return model.trainable(
            Setup(
                QuantizedProgram(found.simulation, learned, teacher),
                lambda _, __: {},
                learned={} if learned is None else learned.initial,
                **setup,
            )
        )

    def trace(self, size: int) -> TracedModel:
        """A fresh trace on `size` samples."""
        return self.harness.backend.trace(self.subject.model, self.inputs(size))

    def inputs(self, size: int, seed: int = 0) -> Any:
        """A batch as the model takes it."""
        return self.subject.inputs(size, np.random.default_rng(seed))

    def native_inputs(self, size: int, seed: int = 0) -> tuple[Array, ...]:
        """The same, beside the graph's inputs."""
        return self.traced.flatten_inputs(self.inputs(size, seed))

    def numpy_inputs(self, size: int, seed: int = 0) -> list[NDArray[Any]]:
        """The same, as NumPy arrays."""
        return [np.asarray(self.traced.arrays.to_numpy(x)) for x in self.native_inputs(size, seed)]

    def expected(self, inputs: Any) -> list[NDArray[Any]]:
        """The leaves of the user's model's own result."""
        return self.numpy(self.harness.call(self.subject.model, inputs))

    def numpy(self, result: Any) -> list[NDArray[Any]]:
        """The leaves of a result."""
        return [np.asarray(self.traced.arrays.to_numpy(leaf)) for leaf in self.harness.leaves(result)]

    @property
    def computing_layers(self) -> list[Node]:
        """The layers that do more than move values, in trace order: those an `Architecture` lists."""
        return [node for node in self.traced.graph.layers if trait_of(node) is not Trait.TRANSPARENT]


def natively(call: LayerCall) -> Sequence[Array]:
    """The visitor that changes nothing."""
    return call.run()


def assert_close(
    found: Sequence[NDArray[Any]], expected: Sequence[NDArray[Any]], tolerance: float = 1e-5
) -> None:
    """As many arrays, of the same shapes and dtypes, within `tolerance` of the largest expected magnitude."""
    assert len(found) == len(expected), f"{len(found)} results, expected {len(expected)}"
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
        bound = tolerance * max(float(np.abs(theirs).max(initial=0.0)), 1e-6)
        difference = float(np.abs(ours.astype(np.float64) - theirs).max(initial=0.0))
        assert difference <= bound, f"differs by {difference:.3g}, allowed {bound:.3g}"

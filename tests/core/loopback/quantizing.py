"""From a loopback model and data to a quantized model, in one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from clika_core.backend.interface import LayerCall, TracedModel
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import quantize_after_training
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.quality.techniques import TECHNIQUES
from clika_core.schemes.named import ACTIVATION_INT8_SYMMETRIC
from clika_core.settings.model import LayerQuantizationSettings, Settings
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_loopback.model import LoopbackModel
from clika_loopback.traced_model import trace

SYMMETRIC = replace(ORT, name="symmetric", activations=ACTIVATION_INT8_SYMMETRIC, fixed_outputs={})
"""Every zero point is 0: saturation of codes alone computes no relu."""


def settings_with(
    *, skip: Sequence[str] = (), tail: bool = False, observer: str = "min_max", **more: Any
) -> Settings:
    """Settings that skip the named layers; without a tail and with plain ranges unless asked for."""
    settings = Settings()
    settings.global_quantization_settings.skip_tail_quantization = tail
    settings.global_quantization_settings.observer = observer
    for name, value in more.items():
        setattr(settings.global_quantization_settings, name, value)
    for name in skip:
        settings.set_quantization_settings_for_layer(name, LayerQuantizationSettings(skip_quantization=True))
    return settings


def only(technique: str, **more: Any) -> Settings:
    """Settings with this one of the techniques that improve a quantized model, and no other."""
    return settings_with(**{**dict.fromkeys(TECHNIQUES, False), technique: True, **more})


def quantized(
    model: LoopbackModel,
    data: Sequence[tuple[NDArray[Any], ...]],
    target: Target = ORT,
    settings: Settings | None = None,
) -> Quantized:
    """Everything up to the simulation, for data given as tuples of inputs."""
    chosen = settings if settings is not None else settings_with()
    return quantize_traced(trace(model, data[0]), chosen, target, Batches(data), lambda _: None)


def after_training(
    model: LoopbackModel,
    data: Sequence[tuple[NDArray[Any], ...]],
    settings: Settings | None = None,
    target: Target = ORT,
) -> Quantized:
    """The same with the techniques that the settings ask for."""
    chosen = settings if settings is not None else settings_with()
    return quantize_after_training(trace(model, data[0]), chosen, target, Batches(data), lambda _: None)


def simulated_values(
    found: Quantized, inputs: Sequence[NDArray[Any]]
) -> Mapping[tuple[str, int], NDArray[Any]]:
    """Every value of one run of the simulation as the visitor left it: centred codes, or reals."""
    model: TracedModel = found.model
    visitor = found.simulation.visitor(model.arrays)
    values: dict[tuple[str, int], NDArray[Any]] = {}

    def tap(call: LayerCall) -> Sequence[NDArray[Any]]:
        outputs = visitor(call)
        values.update({(call.node.name, port): array for port, array in enumerate(outputs)})
        return outputs

    values.update({(node.name, 0): array for node, array in zip(model.graph.inputs, inputs, strict=True)})
    model.interpret(inputs, tap)
    return values


def float_values(
    model: TracedModel, inputs: Sequence[NDArray[Any]]
) -> Mapping[tuple[str, int], NDArray[Any]]:
    """Every value of one float run."""
    values: dict[tuple[str, int], NDArray[Any]] = {}

    def tap(call: LayerCall) -> Sequence[NDArray[Any]]:
        outputs = call.run()
        values.update({(call.node.name, port): array for port, array in enumerate(outputs)})
        return outputs

    values.update({(node.name, 0): array for node, array in zip(model.graph.inputs, inputs, strict=True)})
    model.interpret(inputs, tap)
    return values

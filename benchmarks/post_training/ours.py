"""What this project makes of a case, by its defaults, tails quantized too: deployed and run in onnxruntime."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.post_training.cases import Arrays, Case
from benchmarks.post_training.peers import in_onnxruntime
from benchmarks.post_training.quantized import Clock, Quantized, tensors


def by_default(case: Case, **settings: Any) -> Quantized:
    """In PyTorch; `settings` are keys of the global settings beside the defaults."""
    import clika_core

    batches = [tensors(batch) for batch in case.batches(case.calibration)]
    clock = Clock()
    with clock.part("capture"), torch.no_grad():
        traced = clika_core.trace(case.model, batches[0])
    return _deployed(traced, batches, clock, settings)


def in_tensorflow(case: Case) -> Quantized:
    """The residual net in Keras, with the weights of the case's."""
    from clika_tensorflow.quiet_import import import_tensorflow

    import_tensorflow()
    from benchmarks.post_training.residual_keras import ResidualNet

    return _elsewhere(case, "tensorflow", ResidualNet)


def in_jax(case: Case) -> Quantized:
    """The residual net in Flax, with the weights of the case's."""
    from benchmarks.post_training.residual_flax import ResidualNet

    return _elsewhere(case, "jax", ResidualNet)


def _elsewhere(case: Case, backend: str, build: Callable[[], Any]) -> Quantized:
    """Trace the same architecture in another framework, channels last, and copy weights by the names of layers."""
    import clika_core
    from clika_core.plugins.registry import backend_named
    from tests.backends.differential.comparing import copy_weights
    from tests.backends.differential.frameworks import channels_last

    batches = [tuple(map(channels_last, batch.values())) for batch in case.batches(case.calibration)]
    reference = clika_core.trace(case.model, tensors(case.batches(case.calibration)[0]))
    clock = Clock()
    with clock.part("capture"):
        traced = backend_named(backend).trace(build(), batches[0])
    copy_weights(reference, traced)
    found = _deployed(traced, batches, clock, {})

    def run(batch: Arrays) -> list[Any]:
        return found.run({name: channels_last(array) for name, array in batch.items()})

    return replace(found, run=run)


def _deployed(traced: Any, batches: list[Any], clock: Clock, settings: dict[str, Any]) -> Quantized:
    import clika_core
    from clika_core.pipeline import deployment
    from clika_core.pipeline.data import Batches
    from clika_core.pipeline.improving import quantize_after_training
    from clika_core.plugins.registry import find_target

    chosen = clika_core.Settings()
    chosen.global_quantization_settings.skip_tail_quantization = False
    for name, value in settings.items():
        setattr(chosen.global_quantization_settings, name, value)
    with clock.part("quantize"), torch.no_grad():
        target = find_target("ort")
        found = quantize_after_training(traced, chosen, target, Batches(batches), clock.step)
        path = deployment.deploy(found).save(Path(tempfile.mkdtemp()))
    return in_onnxruntime(path, clock)

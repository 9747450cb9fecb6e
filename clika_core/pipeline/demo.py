"""The demo: a trained network and real images, through the whole pipeline, beside onnxruntime's own quantization."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Backend
from clika_core.demo.data import DemoData, Split, load_images
from clika_core.deployment.latency import latency_seconds
from clika_core.deployment.onnx_model import OnnxFile
from clika_core.deployment.quantize_static import quantized_by_onnxruntime
from clika_core.pipeline import deployment
from clika_core.pipeline.compress import write_results
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import quantize_after_training
from clika_core.pipeline.journal import Progress
from clika_core.pipeline.notes import agreement_notes, plan_notes, settings_notes
from clika_core.pipeline.output_folder import output_folder
from clika_core.pipeline.quantization import Quantized
from clika_core.pipeline.report import Outcome, report_json
from clika_core.plugins.registry import find_target
from clika_core.settings.model import Settings

BATCH_SIZE = 50
PEER = "onnxruntime quantize_static"


@dataclass(frozen=True)
class DemoResult:
    """What the demo shows. `accuracy`, `relative_l2` and `latency_seconds` are by the name of the model measured."""

    quantized: Quantized
    accuracy: dict[str, float]
    relative_l2: dict[str, float]
    latency_seconds: dict[str, float]
    sizes_bytes: dict[str, int]
    top1_agreement: float
    worst_layer_agreement: float
    codes_compared: int
    note: str | None = None  # why a picture could not be drawn


def run_demo(
    backend: Backend,
    settings: Settings,
    folder: Path,
    *,
    overwrite: bool,
    train: bool,
    seed: int,
    progress: Progress,
) -> DemoResult:
    """Quantize the backend's demo network, deploy it, and measure everything on the test images.

    `train` makes the weights anew first, with `seed`; they and their log are written into `folder` too.
    """
    with output_folder(folder, overwrite=overwrite) as place:
        progress("read images")
        data = _as_taken(load_images(), backend)
        calibration = Batches(data.calibration.images, batch_size=BATCH_SIZE)
        weights = backend.train_demo_network(place, seed=seed, progress=progress) if train else None
        progress("trace")
        traced = backend.trace(backend.demo_network(weights), (calibration.first(),))
        target = find_target(settings.deployment_settings.target_framework)
        quantized = quantize_after_training(traced, settings, target, calibration, progress)
        progress("deploy")
        deployed = deployment.deploy(quantized)
        progress("compare on the test images")
        test = _batches(data.test)
        outputs = {
            "float": deployment.run_float(traced, test),
            "simulated int8": deployment.run_simulation(quantized, test),
            "deployed int8": deployment.run_deployed(deployed.quantized, test),
        }
        peer = _peer(deployed, data)
        if peer is not None:
            outputs[PEER] = deployment.run_deployed(peer, test)
        codes = deployment.agreement(quantized, deployed, test)
        result = DemoResult(
            quantized=quantized,
            accuracy={name: _accuracy(found, data.test) for name, found in outputs.items()},
            relative_l2={
                name: deployment.relative_distance(found, outputs["float"]) for name, found in outputs.items()
            },
            latency_seconds=_latencies(deployed, peer, test),
            sizes_bytes={
                **deployed.sizes_bytes(quantized),
                **({"file_peer": peer.num_bytes} if peer else {}),
            },
            top1_agreement=_same(outputs["simulated int8"], outputs["deployed int8"]),
            worst_layer_agreement=min((found.share_equal for found in codes.values()), default=1.0),
            codes_compared=sum(found.compared for found in codes.values()),
        )
        progress("write")
        end_to_end = {"top1_simulated_deployed": result.top1_agreement, **_named(result.relative_l2)}
        notes = (*settings_notes(settings), *plan_notes(quantized.plan), *agreement_notes(codes, end_to_end))
        for line in notes:
            progress(f"note: {line}")
        outcome = Outcome(
            accuracy=dict(result.accuracy),
            metric="top1",
            agreement=codes,
            end_to_end=end_to_end,
            sizes_bytes=result.sizes_bytes,
            latency_seconds=result.latency_seconds,
            notes=notes,
            optimization_level=deployed.optimization_level,
        )
        deployed.save(place)
        note = write_results(place, traced, quantized, report_json(quantized, settings, outcome, seed))
    return replace(result, note=note)


def _as_taken(data: DemoData, backend: Backend) -> DemoData:
    """The images in the layout of the backend's network."""
    parts = (data.train, data.calibration, data.validation, data.test)
    return DemoData(*(replace(part, images=backend.demo_inputs(part.images)) for part in parts))


def _batches(split: Split) -> list[Sequence[NDArray[Any]]]:
    return [[split.images[start : start + BATCH_SIZE]] for start in range(0, len(split), BATCH_SIZE)]


def _peer(deployed: deployment.Deployed, data: DemoData) -> OnnxFile | None:
    """onnxruntime's own quantization of the same network, where the network is in its format."""
    if not isinstance(deployed.floating, OnnxFile):
        return None
    return OnnxFile(quantized_by_onnxruntime(deployed.floating.model, _batches(data.calibration)), {})


def _accuracy(outputs: Sequence[Sequence[NDArray[Any]]], split: Split) -> float:
    return float(np.mean(deployment.top1(outputs) == split.labels))


def _same(first: Sequence[Sequence[NDArray[Any]]], second: Sequence[Sequence[NDArray[Any]]]) -> float:
    return float(np.mean(deployment.top1(first) == deployment.top1(second)))


def _latencies(
    deployed: deployment.Deployed, peer: OnnxFile | None, test: Sequence[Sequence[NDArray[Any]]]
) -> dict[str, float]:
    """Seconds for one image on one thread; the models take turns."""
    models = {"float": deployed.floating, "deployed int8": deployed.quantized, PEER: peer}
    runners = {name: file.runner() for name, file in models.items() if file is not None}
    return latency_seconds(runners, [array[:1] for array in test[0]], rounds=100)


def _named(distances: dict[str, float]) -> dict[str, float]:
    return {f"relative_l2_{name.replace(' ', '_')}": value for name, value in distances.items()}

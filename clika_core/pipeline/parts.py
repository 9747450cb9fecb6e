"""`compress_parts`: where a model cannot be quantized as a whole, those of its submodules that can."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clika_core.backend.interface import Backend
from clika_core.errors import ModelError
from clika_core.pipeline.compress import CompressionResult, compress
from clika_core.pipeline.data import BATCH_SIZE, Batches
from clika_core.pipeline.journal import Journal, Progress
from clika_core.pipeline.portions import portions
from clika_core.pipeline.tracing import parts_of
from clika_core.plugins.planning import checked_settings
from clika_core.plugins.registry import find_backend
from clika_core.settings.model import Settings
from clika_core.targets.target import Target


@dataclass(frozen=True)
class CompressedParts:
    """`model` is a copy of the whole with quantized submodules; `parts` has the result of each by its path."""

    model: Any
    parts: Mapping[str, CompressionResult]


def compress_parts(
    model: Any,
    only: Sequence[str],
    *,
    calibration_data: Any,
    settings: Settings | None = None,
    target: str | Target | None = None,
    output_dir: str | Path | None = "outputs",
    overwrite: bool = False,
    batch_size: int = BATCH_SIZE,
    seed: int | None = None,
    device: str | None = None,
    progress: Progress | Journal | None = None,
) -> CompressedParts:
    """Quantize the submodules of `model` at the paths in `only`, each on what it is given while the whole runs.

    `calibration_data` is what the whole model takes, as for `compress`. No part is evaluated: it has no targets. The
    files of a part are in the folder of its path in `output_dir`. A rule that matches no layer of a part is left to
    the others: give `on_unmatched="ignore"`.

    Raises what `compress` raises, and ModelError where a path is no submodule, or the model is in half precision.
    """
    backend = find_backend(model)
    if device is not None:
        model = backend.on_device(model, device)
    batches = portions(calibration_data, None, checked_settings(settings), batch_size).calibration
    if backend.widened(model, batches.first()) is not None:
        raise ModelError(
            "parts of a model in half precision would compute in float32, the rest of it in half precision",
            expected="a model, and data, in float32",
            fix="convert both before, in PyTorch with model.float()",
        )
    parts = {
        path: compress(
            part,
            settings=settings,
            calibration_data=_Calls(backend, model, path, batches),
            target=target,
            output_dir=None if output_dir is None else Path(output_dir) / path,
            overwrite=overwrite,
            seed=seed,
            progress=progress,
        )
        for path, part in parts_of(backend, model, only).items()
    }
    whole = backend.with_parts(model, {path: result.model for path, result in parts.items()})
    return CompressedParts(whole, parts)


@dataclass(frozen=True)
class _Calls:
    """What a submodule is given while the model runs on each batch; found anew whenever it is iterated."""

    backend: Backend
    model: Any
    path: str
    batches: Batches

    def __iter__(self) -> Iterator[Any]:
        for batch in self.batches:
            yield from self.backend.calls(self.model, self.path, batch)

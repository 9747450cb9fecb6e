"""The demo's weight file: one safetensors file that every framework's version of the network loads.

Tensors are float32 and named after the table in `architecture`: `stem.weight`, `down.shortcut.gamma`.

    <convolution>.weight                       [out, in / groups, height, width], cross-correlation (not
                                               flipped); depthwise [channels, 1, 3, 3]
    <convolution>.gamma .beta .mean .variance  [out], the batch norm after it:
                                               gamma · (x - mean) / sqrt(variance + NORM_EPSILON) + beta
    head.weight, head.bias                     [10, 96], [10]

May import `clika_core.errors`. Start reading at `load_weights`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from clika_core.errors import DataError
from clika_core.files import write_whole

WEIGHTS_FILE: Final = "demo_network.safetensors"
TRAINING_LOG_FILE: Final = "training_log.json"

Weights = dict[str, NDArray[np.float32]]


def load_weights(path: Path | None = None) -> Weights:
    """The tensors of `path`, by default of the shipped file, by name.

    Raises `DataError` when the file is missing or is no safetensors file of float32 tensors.
    """
    source = path or shipped_file(WEIGHTS_FILE)
    try:
        weights: Weights = load(source.read_bytes())
    except (OSError, SafetensorError) as error:
        raise DataError(
            f"cannot read the demo's weights from {source}",
            found=str(error),
            expected="a safetensors file",
            fix="make it anew: clika demo --train",
        ) from error
    return weights


def save_weights(weights: Mapping[str, NDArray[np.float32]], path: Path) -> None:
    """Write the tensors in sorted order; the file appears whole or not at all."""
    ordered = {name: np.ascontiguousarray(weights[name], dtype=np.float32) for name in sorted(weights)}
    write_whole(path, save(ordered))


def shipped_file(name: str) -> Path:
    """A file of the demo's assets, as installed with the package."""
    return Path(str(resources.files("clika_core.demo") / "assets" / name))

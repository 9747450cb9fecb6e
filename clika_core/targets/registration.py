"""Registers the project's own targets, exactly as a stranger's plugin would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clika_core.targets.target import Target


def clika_register_targets() -> Sequence[Target]:
    """The built-in targets."""
    from clika_core.targets.ort import ORT
    from clika_core.targets.ov import OV
    from clika_core.targets.qnn import QNN
    from clika_core.targets.simulation import SIMULATION
    from clika_core.targets.stablehlo import STABLEHLO
    from clika_core.targets.tflite import TFLITE
    from clika_core.targets.trt import TRT

    return [ORT, OV, TRT, TFLITE, QNN, STABLEHLO, SIMULATION]

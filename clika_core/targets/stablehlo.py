"""StableHLO: a `jax.export` artefact that holds the simulation's own program, with the schemes of onnxruntime.

No runtime chooses kernels here: what is computed on codes is what the program says, so it lists what `ort` does.
"""

from __future__ import annotations

from clika_core.frozen import replace
from clika_core.targets.ort import ORT

STABLEHLO = replace(
    ORT,
    name="stablehlo",
    description="StableHLO, by jax.export",
    has_half_range=False,
    file_suffix=".stablehlo",
    written_by="jax",
)

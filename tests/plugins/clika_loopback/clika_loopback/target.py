"""`EDGE`: onnxruntime as a small device runs it, with one scale for each weight."""

from __future__ import annotations

from dataclasses import replace

from clika_core.targets.ort import ORT

EDGE = replace(
    ORT,
    name="loopback_edge",
    description="onnxruntime, one scale for each weight",
    kernels={name: replace(kernel, weight_axis=None) for name, kernel in ORT.kernels.items()},
)

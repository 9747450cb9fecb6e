"""The tools that are compared, by name: what each makes of a case, and what its rows need to be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from benchmarks.post_training import ours, peers
from benchmarks.post_training.cases import Case
from benchmarks.post_training.quantized import Quantized


@dataclass(frozen=True)
class Tool:
    """`packages` are named beside the rows of a tool; `models` are those that it has rows of, all where empty."""

    quantize: Callable[[Case], Quantized]
    packages: tuple[str, ...]
    models: tuple[str, ...] = ()


_ORT, _NNCF = ("torch", "onnxruntime"), ("torch", "nncf")

TOOLS: Final[Mapping[str, Tool]] = {
    "clika": Tool(ours.by_default, _ORT),
    "clika, TensorFlow": Tool(ours.in_tensorflow, ("tensorflow", "onnxruntime"), ("residual net",)),
    "clika, JAX": Tool(ours.in_jax, ("jax", "onnxruntime"), ("residual net",)),
    "onnxruntime min-max": Tool(lambda case: peers.onnxruntime(case, "MinMax"), _ORT),
    "onnxruntime percentile": Tool(lambda case: peers.onnxruntime(case, "Percentile"), _ORT),
    "NNCF": Tool(peers.nncf_torch, _NNCF),
    "NNCF min-max, no bias correction": Tool(peers.nncf_min_max, _NNCF),
    "NNCF on ONNX": Tool(peers.nncf_onnx, (*_NNCF, "onnxruntime")),
    "NNCF on ONNX, exact biases": Tool(
        lambda case: peers.nncf_onnx(case, fast_bias_correction=False), (*_NNCF, "onnxruntime")
    ),
    "torchao X86": Tool(peers.torchao_x86, ("torch", "torchao")),
    "torchao X86, plain convolutions": Tool(
        peers.torchao_x86_plain, ("torch", "torchao"), ("EfficientNet-Lite0",)
    ),
}

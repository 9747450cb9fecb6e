"""Bytes of weights: as traced, and as a plan stores them."""

from __future__ import annotations

from math import prod

from clika_core.backend.interface import TracedModel
from clika_core.backend.layer_parameters import of_every_size
from clika_core.pipeline.quantization import Quantized

_FLOAT_BYTES = 4
_BIAS_BYTES = 4


def float_weight_bytes(model: TracedModel) -> int:
    """Bytes of the float32 weights and biases of a preprocessed model, each tensor once per layer that owns it."""
    return sum(
        array.nbytes for node in _kept(model) for array in of_every_size(model.parameters(node)).values()
    )


def quantized_weight_bytes(quantized: Quantized) -> int:
    """Bytes of the weights as deployed: codes, int32 biases, scales and zero points; float layers as they are."""
    total = 0
    for name in _kept(quantized.model):
        spec = quantized.simulation.specs.get(name)
        for role, array in of_every_size(quantized.model.parameters(name)).items():
            if spec is not None and role in spec.weights:
                params = spec.weights[role]
                bits = params.format.num_bits
                total += -(-prod(array.shape) * bits // 8)  # narrow codes are packed
                total += int(params.scale.size) * (_FLOAT_BYTES + max(bits, 8) // 8)
            elif spec is not None and role == "bias":
                total += prod(array.shape) * (_BIAS_BYTES + _FLOAT_BYTES)
            else:
                total += int(array.nbytes)
    return total


def _kept(model: TracedModel) -> list[str]:
    return [node.name for node in model.graph.layers if node.weights and node.name not in model.removed]

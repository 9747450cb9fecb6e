"""Activation balancing: channels of a value that linear layers read are made alike before it is quantized.

A transformer's norms and activations have a few channels a hundred times the others, which one scale cannot serve.
Where such a float value is quantized for linear layers alone, it is multiplied by gains, one per channel, and the
layers' weights are divided by them: the float result stays, the codes are used better (`clika_core.quality.gains`).

The gains cost nothing where they go into the weight and bias of the norm before; that needs a norm whose result
nothing else reads. Elsewhere, where a residual sum reads it too, say, the value is multiplied on its way to codes.
A border is left as it is where measured errors do not fall clearly, or too few positions were seen to know ranges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from clika_core.backend.interface import Array, LayerCall
from clika_core.ir.graph import ValueKey
from clika_core.quality.borders import Border, balanced_borders, hindered_borders
from clika_core.quality.gains import ALPHAS, Balance, Ranges, Reader, divided, products, rounding_error
from clika_core.quality.samples import chosen_rows
from clika_core.quality.work import Improvement, Work

MOST: Final = (
    0.7  # of the error before: what balancing has to come down to, on samples that did not decide it
)
MIN_ROWS_PER_CHANNEL: Final = (
    1  # with fewer, a new sample exceeds the range of some channel, and all are the largest
)
MAX_ROWS: Final = 512  # of a value, and of each weight, on which errors are measured
MAX_OUTPUTS: Final = 256


@dataclass(frozen=True)
class Found:
    """What was found for a border: how to balance it with which alpha, and the error that is left on samples which
    did not decide the gains, as a share of the error without."""

    alpha: float
    balance: Balance
    error: float


def balance_activations(work: Work) -> tuple[Work, Improvement]:
    """The model with balanced borders."""
    borders = balanced_borders(work.simulation)
    visitor = _BalancingVisitor(work, borders)
    visitor.run()
    found = {key: entry for key, entry in visitor.found.items() if entry.error <= MOST}
    visitor.left |= {
        key: f"error {entry.error:.2f} of the one before"
        for key, entry in visitor.found.items()
        if key not in found
    }
    operands: dict[tuple[str, str], NDArray[Any]] = {}
    activations = dict(work.parameters.activations)
    gains = dict(work.parameters.gains)
    for key, entry in found.items():
        border, balance = borders[key], entry.balance
        activations[key] = balance.params
        operands.update(_divided_weights(work, border, balance.gains))
        if border.norm is None:
            gains[key] = tuple(balance.gains.tolist())
        else:
            operands.update(_raised_norm(work, border.norm, balance.gains))
    parameters = replace(work.parameters, activations=activations, gains=gains)
    improved = replace(work, parameters=parameters).with_weights(operands) if found else work
    return improved, _said(found, visitor.left, borders)


def _divided_weights(work: Work, border: Border, gains: NDArray[np.float32]) -> dict[tuple[str, str], Any]:
    held = {layer: work.model.parameters(layer)["weight"] for layer in border.readers}
    return {(layer, "weight"): divided(weight, gains) for layer, weight in held.items()}


def _raised_norm(work: Work, norm: str, gains: NDArray[np.float32]) -> dict[tuple[str, str], Any]:
    return {(norm, role): array * gains for role, array in work.model.parameters(norm).items()}


def _said(
    found: Mapping[ValueKey, Found], left: Mapping[ValueKey, str], borders: Mapping[ValueKey, Border]
) -> Improvement:
    layers = tuple(dict.fromkeys(reader for key in found for reader in borders[key].readers))
    if not found:
        summary = f"activation balancing: none of {len(borders)} values that linear layers read gains by it"
        return Improvement((), summary, {"values": {}, "left": _named(left)})
    folded = sum(borders[key].norm is not None for key in found)
    error = float(np.exp(np.mean([np.log(entry.error) for entry in found.values()])))
    summary = (
        f"activation balancing: {len(found)} of {len(borders)} values that {len(layers)} linear layers read, "
        f"{folded} of them in the norms before; squared errors {error:.2f} of those before"
    )
    values = {
        key: {
            "alpha": entry.alpha,
            "error": round(entry.error, 4),
            "norm": borders[key].norm,
            "smallest_gain": float(entry.balance.gains.min()),
            "largest_gain": float(entry.balance.gains.max()),
        }
        for key, entry in found.items()
    }
    return Improvement(layers, summary, {"values": _named(values), "left": _named(left)})


def _named(by_key: Mapping[ValueKey, Any]) -> dict[str, Any]:
    return {f"{name}.{port}": found for (name, port), found in by_key.items()}


class _BalancingVisitor:
    """Runs a float pass and finds gains for each border as its value comes by.

    `found` holds them, `left` says why other borders have none.
    """

    def __init__(self, work: Work, borders: Mapping[ValueKey, Border]) -> None:
        self._work, self._borders = work, borders
        self.found: dict[ValueKey, Found] = {}
        self.left = hindered_borders(work.simulation)

    def run(self) -> None:
        """One pass over the samples, graph inputs included."""
        if self._borders:
            for node, value in zip(self._work.plan.graph.inputs, self._work.inputs, strict=True):
                self._see((node.name, 0), value)
            self._work.reference.model.interpret(self._work.inputs, self)

    def __call__(self, call: LayerCall) -> Sequence[Array]:
        outputs = call.run()
        for port, value in enumerate(outputs):
            self._see((call.node.name, port), value)
        return outputs

    def _see(self, key: ValueKey, value: Array) -> None:
        border = self._borders.get(key)
        found = None if border is None else self._balance(border, value)
        if found is not None:
            self.found[key] = found

    def _balance(self, border: Border, value: Array) -> Found | None:
        """Ranges of half of the samples and errors on the other half choose alpha; all samples then give gains."""
        work, before = self._work, self._work.parameters.activations[border.key]
        values = np.asarray(work.model.arrays.to_numpy(value), np.float32)
        half, channels = len(values) // 2, values.shape[-1]
        rows, first, second = (part.reshape(-1, channels) for part in (values, values[:half], values[half:]))
        if len(first) < MIN_ROWS_PER_CHANNEL * channels:
            seen = f"{len(first)} positions in half of the samples"
            self.left[border.key] = f"{seen} are too few to know the ranges of {channels} channels"
            return None
        readers = [self._reader(layer) for layer in border.readers]
        scheme = work.target.activation_scheme(before.format.num_bits)
        few = second[chosen_rows(len(second), MAX_ROWS)]
        some = [
            Reader(reader.weight[chosen_rows(len(reader.weight), MAX_OUTPUTS)], reader.scheme)
            for reader in readers
        ]
        ranges, wanted = Ranges.of(first, readers), products(few, some)
        errors = [Balance.of(ranges, alpha, scheme).error(few, some, wanted) for alpha in ALPHAS]
        best = int(np.argmin(errors))
        balance = Balance.of(Ranges.of(rows, readers), ALPHAS[best], scheme)
        return Found(
            ALPHAS[best], balance, errors[best] / max(rounding_error(few, some, before, wanted), 1e-30)
        )

    def _reader(self, layer: str) -> Reader:
        work = self._work
        scheme = work.target.weight_scheme(work.plan.graph[layer], work.plan[layer].weights_num_bits)
        return Reader(work.model.parameters(layer)["weight"], scheme)

"""The techniques by the setting that switches them, in the order in which they are applied.

Another one is a file with one function from `Work` to the improved `Work`, a line here, and a line in
`clika_core.settings.sections` under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from clika_core.quality.adaptive_rounding import round_adaptively
from clika_core.quality.balancing import balance_activations
from clika_core.quality.bias_correction import correct_biases
from clika_core.quality.equalization import equalize_layers
from clika_core.quality.scale_correction import correct_scales
from clika_core.quality.weight_ranges import choose_weight_ranges
from clika_core.quality.work import Improvement, Work
from clika_core.settings.sections import GlobalQuantizationSettings


@dataclass(frozen=True, slots=True)
class Technique:
    """`improve` gives the improved model and what was done; `is_default` is what null in the settings means."""

    improve: Callable[[Work], tuple[Work, Improvement]]
    is_default: bool


TECHNIQUES: Final[Mapping[str, Technique]] = MappingProxyType(
    {
        "cross_layer_equalization": Technique(equalize_layers, is_default=True),
        "activation_balancing": Technique(balance_activations, is_default=True),
        "mse_weight_ranges": Technique(choose_weight_ranges, is_default=False),
        "adaptive_rounding": Technique(round_adaptively, is_default=False),
        "scale_correction": Technique(correct_scales, is_default=True),
        "bias_correction": Technique(correct_biases, is_default=True),
    }
)


def chosen_techniques(settings: GlobalQuantizationSettings) -> list[str]:
    """The names of the techniques that the settings ask for."""
    asked = {name: getattr(settings, name) for name in TECHNIQUES}
    return [
        name for name, value in asked.items() if (TECHNIQUES[name].is_default if value is None else value)
    ]

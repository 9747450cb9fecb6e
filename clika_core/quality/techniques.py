"""The techniques by the setting that switches them, in the order in which they are applied.

Those of `PREPARING` change a float model before any range is observed: the quantized model is that of the changed
one. Those of `IMPROVING` change the quantized model. Another one is a file with one function from `FloatWork` or
`Work` to the changed one, a line here, and a line in `clika_core.settings.sections` under the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from clika_core.quality.adaptive_rounding import round_adaptively
from clika_core.quality.balancing import balance_activations
from clika_core.quality.bias_correction import correct_biases
from clika_core.quality.equalization import equalize_layers
from clika_core.quality.scale_correction import correct_scales
from clika_core.quality.weight_ranges import choose_weight_ranges
from clika_core.quality.work import FloatWork, Improvement, Work
from clika_core.settings.sections import GlobalQuantizationSettings

Changed = TypeVar("Changed", FloatWork, Work)


@dataclass(frozen=True, slots=True)
class Technique(Generic[Changed]):
    """`apply` gives the changed work and what was done; `is_default` is what null in the settings means."""

    apply: Callable[[Changed], tuple[Changed, Improvement]]
    is_default: bool


PREPARING: Final[Mapping[str, Technique[FloatWork]]] = MappingProxyType(
    {"cross_layer_equalization": Technique(equalize_layers, is_default=True)}
)
IMPROVING: Final[Mapping[str, Technique[Work]]] = MappingProxyType(
    {
        "activation_balancing": Technique(balance_activations, is_default=True),
        "mse_weight_ranges": Technique(choose_weight_ranges, is_default=False),
        "adaptive_rounding": Technique(round_adaptively, is_default=False),
        "scale_correction": Technique(correct_scales, is_default=True),
        "bias_correction": Technique(correct_biases, is_default=True),
    }
)
TECHNIQUES: Final[Mapping[str, Technique[Any]]] = MappingProxyType({**PREPARING, **IMPROVING})


def applied(
    work: Changed,
    techniques: Mapping[str, Technique[Changed]],
    settings: GlobalQuantizationSettings,
    tell: Callable[[str], None],
) -> tuple[Changed, dict[str, Improvement]]:
    """What those of `techniques` that the settings ask for make of `work`, and what each did, told in a sentence."""
    done: dict[str, Improvement] = {}
    for name in chosen_techniques(settings, techniques):
        work, done[name] = techniques[name].apply(work)
        tell(done[name].summary)
    return work, done


def chosen_techniques(
    settings: GlobalQuantizationSettings, techniques: Mapping[str, Technique[Any]] = TECHNIQUES
) -> list[str]:
    """The names of those of `techniques` that the settings ask for."""
    asked = {name: getattr(settings, name) for name in techniques}
    return [
        name for name, value in asked.items() if (techniques[name].is_default if value is None else value)
    ]

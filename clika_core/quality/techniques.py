"""The techniques by the setting that switches them, in the order in which they are applied.

Those of `PREPARING` change a float model before any range is observed: the quantized model is that of the changed
one. Those of `IMPROVING` change the quantized model. Another one is a file with one function from `FloatWork` or
`Work` to the changed one, or with a `Rework`, a line here, and a line in `clika_core.settings.sections` under the
same name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final, Generic, TypeAlias, TypeVar

from clika_core.quality.adaptive_rounding import AdaptiveRounding
from clika_core.quality.balancing import balance_activations
from clika_core.quality.bias_correction import BiasCorrection
from clika_core.quality.equalization import equalize_layers
from clika_core.quality.reworking import Rework, reworked
from clika_core.quality.scale_correction import ScaleCorrection
from clika_core.quality.weight_ranges import choose_weight_ranges
from clika_core.quality.work import FloatWork, Improvement, Work
from clika_core.settings.sections import GlobalQuantizationSettings

Changed = TypeVar("Changed", FloatWork, Work)


@dataclass(frozen=True, slots=True)
class Technique(Generic[Changed]):
    """`apply` gives the changed work and what was done; `is_default` is what null in the settings means."""

    apply: Callable[[Changed], tuple[Changed, Improvement]]
    is_default: bool


@dataclass(frozen=True, slots=True)
class LayerTechnique:
    """One that changes layers as they run: those that follow one another share a pass."""

    rework: Callable[[Work], Rework]
    is_default: bool


PREPARING: Final[Mapping[str, Technique[FloatWork]]] = MappingProxyType(
    {"cross_layer_equalization": Technique(equalize_layers, is_default=True)}
)
IMPROVING: Final[Mapping[str, Technique[Work] | LayerTechnique]] = MappingProxyType(
    {
        "activation_balancing": Technique(balance_activations, is_default=True),
        "mse_weight_ranges": Technique(choose_weight_ranges, is_default=False),
        "adaptive_rounding": LayerTechnique(AdaptiveRounding, is_default=True),
        "scale_correction": LayerTechnique(ScaleCorrection, is_default=True),
        "bias_correction": LayerTechnique(BiasCorrection, is_default=True),
    }
)
TECHNIQUES: Final[Mapping[str, Technique[Any] | LayerTechnique]] = MappingProxyType(
    {**PREPARING, **IMPROVING}
)

Tell: TypeAlias = Callable[[str], None]
Done: TypeAlias = dict[str, Improvement]


def prepared(work: FloatWork, settings: GlobalQuantizationSettings, tell: Tell) -> tuple[FloatWork, Done]:
    """What those of `PREPARING` that the settings ask for make of `work`, and what each did, told in a sentence."""
    done: Done = {}
    for name in chosen_techniques(settings, PREPARING):
        work, done[name] = PREPARING[name].apply(work)
        tell(done[name].summary)
    return work, done


def improved(work: Work, settings: GlobalQuantizationSettings, tell: Tell) -> tuple[Work, Done]:
    """The same for `IMPROVING`."""
    done: Done = {}
    chosen = {name: IMPROVING[name] for name in chosen_techniques(settings, IMPROVING)}
    for _, neighbours in groupby(chosen, lambda name: _pass_of(name, chosen[name])):
        names = list(neighbours)
        work, said = _improved_once(work, [chosen[name] for name in names])
        done.update(zip(names, said, strict=True))
        for improvement in said:
            tell(improvement.summary)
    return work, done


def _pass_of(name: str, technique: Technique[Work] | LayerTechnique) -> str:
    """The same word for techniques that share a pass."""
    return "" if isinstance(technique, LayerTechnique) else name


def _improved_once(
    work: Work, techniques: Sequence[Technique[Work] | LayerTechnique]
) -> tuple[Work, Sequence[Improvement]]:
    reworks = [each.rework(work) for each in techniques if isinstance(each, LayerTechnique)]
    if reworks:
        return reworked(work, reworks)
    (technique,) = (each for each in techniques if isinstance(each, Technique))
    work, said = technique.apply(work)
    return work, [said]


def chosen_techniques(
    settings: GlobalQuantizationSettings,
    techniques: Mapping[str, Technique[Any] | LayerTechnique] = TECHNIQUES,
) -> list[str]:
    """The names of those of `techniques` that the settings ask for."""
    asked = {name: getattr(settings, name) for name in techniques}
    return [
        name for name, value in asked.items() if (techniques[name].is_default if value is None else value)
    ]

"""The observers the project brings, by the name used in settings. Plugins add theirs beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from clika_core.observers.entropy import EntropyObserver
from clika_core.observers.mean_min_max import MeanMinMaxObserver
from clika_core.observers.min_max import MinMaxObserver
from clika_core.observers.mse import MseObserver
from clika_core.observers.observer import Observer
from clika_core.observers.percentile import PercentileObserver

OBSERVERS: Final[Mapping[str, Callable[[], Observer]]] = MappingProxyType(
    {
        "min_max": MinMaxObserver,
        "mean_min_max": MeanMinMaxObserver,
        "percentile": PercentileObserver,
        "mse": MseObserver,
        "entropy": EntropyObserver,
    }
)
DEFAULT_OBSERVER: Final = "mse"

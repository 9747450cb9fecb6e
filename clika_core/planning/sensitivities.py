"""Measured sensitivity as planning takes it: a number per layer, or QS and absolute error together."""

from __future__ import annotations

from collections.abc import Mapping

from clika_core.frozen import frozen


@frozen
class Sensitivity:
    """What was measured of one layer's group: relative `qs`, and `abs_l2` where it is known."""

    qs: float | None
    abs_l2: float | None = None

    def measure(self, name: str) -> float | None:
        """The number that `quantization_sensitivity_measure` asks for: `relative` or `absolute`."""
        return self.abs_l2 if name == "absolute" else self.qs


def sensitivities(given: Mapping[str, float | Sensitivity | None]) -> Mapping[str, Sensitivity]:
    """Layer to measurement; a bare number is a QS, None is no measurement."""
    return {
        name: value if isinstance(value, Sensitivity) else Sensitivity(float(value))
        for name, value in given.items()
        if value is not None
    }

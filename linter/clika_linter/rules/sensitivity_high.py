"""CLK302."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from math import inf, isfinite
from typing import Final

from clika_core.diagnostics import Severity
from clika_core.frozen import frozen
from clika_core.planning.decision import CauseKind
from clika_core.settings.value_types import Integer, Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, convolutions
from clika_linter.finding import Finding
from clika_linter.measured import group_heads, quantized_heads, span_of_layer
from clika_linter.option import Option
from clika_linter.rule import Need, Rule

_NORMAL: Final = 0.6745  # median absolute deviation of a normal distribution, in standard deviations
_LEAST_DEVIATION: Final = 0.17  # of the median: so that among nearly equal layers none is an outlier


def _layers(*qs: float) -> dict[str, list[dict[str, object]]]:
    """A report with the QS of conv_1, conv_2, ..."""
    return {"layers": [{"name": f"conv_{number}", "qs": value} for number, value in enumerate(qs, 1)]}


class SensitivityHigh(Rule):
    """A layer is quantized although its measured sensitivity is high.

    ## What it does
    Reports quantized layers whose QS in the report is above `threshold`, 0.1 by default: a tenth of the
    signal is lost. And layers whose QS stands out among those of the same operator type: with the median m and
    the median absolute deviation d of their QS, 0.6745 * (QS - m) / d is above `outlier-score` (the robust
    z-score of Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993). d counts as at least 0.17 * m,
    and types with fewer than `outlier-layers` measured layers have no outliers. A layer that an explicit
    `skip_quantization: false` takes from the sensitivity threshold is left to CLK203.

    ## Why is this bad?
    A few layers usually cause most of the accuracy that quantization costs. Keeping those float brings it back
    at a small price.

    ## Example
    The report says QS 0.3 for `conv_2`, and no rule mentions it.

    ## Use instead
    ```yaml
    global_quantization_settings:
      quantization_sensitivity_threshold: 0.1
    ```
    """

    code = "CLK302"
    name = "sensitivity-high"
    severity = Severity.WARNING
    needs = (Need.PLAN, Need.REPORT)

    threshold = Option(Number(minimum=0), 0.1, "QS above which a quantized layer is reported.")
    outlier_score = Option(Number(minimum=0), 3.5, "Robust z-score above which a layer is an outlier.")
    outlier_qs = Option(Number(minimum=0), 0.03, "QS up to which a layer is never reported as an outlier.")
    outlier_layers = Option(Integer(minimum=3), 5, "Measured layers of a type that make outliers visible.")

    VALID = (
        Valid(settings="", graph=classifier, report=_layers(0.1, 0.02)),
        Valid(
            settings="global_quantization_settings: {quantization_sensitivity_threshold: 0.1}\n",
            graph=classifier,
            report=_layers(0.3, 0.02),
            about="the threshold keeps it float",
        ),
        Valid(
            settings='layer_settings: {"op:conv": {quantization_settings: {skip_quantization: true}}}\n',
            graph=classifier,
            report=_layers(0.3, 0.02),
        ),
        Valid(settings="", graph=convolutions, report=_layers(0.004, 0.005, 0.004, 0.005, 0.004, 0.029)),
        Valid(
            settings="",
            graph=convolutions,
            report=_layers(0.05, 0.06, 0.05, 0.055, 0.05, 0.085),
            about="all are alike: the score of conv_6 is 2.5",
        ),
        Valid(settings="", graph=convolutions, report=_layers(0.004, 0.005, 0.004, 0.08), about="too few"),
        Valid(settings="", graph=classifier, report={"layers": [{"name": "conv_1", "qs": "nan"}]}),
        Valid(
            settings="global_quantization_settings: {quantization_sensitivity_threshold: 0.1}\n"
            "layer_settings: {conv_1: {quantization_settings: {skip_quantization: false}}}\n",
            graph=classifier,
            report=_layers(0.3),
            about="the user insists, which CLK203 reports",
        ),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=classifier,
            report=_layers(0.3, 0.02),
            messages=("conv_1 is quantized with a sensitivity of 0.3, above 0.1",),
            nodes=(("conv_1",),),
        ),
        Invalid(
            settings="",
            graph=convolutions,
            report=_layers(0.01, 0.011, 0.009, 0.012, 0.01, 0.05),
            messages=(
                "conv_6 is quantized with a sensitivity of 0.05, 4.8 times the median of 6 conv layers",
            ),
            nodes=(("conv_6",),),
        ),
        Invalid(
            settings='{"layer_settings": {«"features.0"»: '
            '{"quantization_settings": {"skip_quantization": false}}}}\n',
            syntax="json",
            graph=classifier,
            report=_layers(0.06, 0.02),
            options={"threshold": 0.05},
            messages=("conv_1 is quantized with a sensitivity of 0.06, above 0.05",),
        ),
        Invalid(
            settings="layer_settings:\n  «conv_2»:\n    quantization_settings: {weights_num_bits: 8}\n",
            graph=classifier,
            report=_layers(0.2, 0.25),
            messages=(
                "conv_1 is quantized with a sensitivity of 0.2, above 0.1",
                "conv_2 is quantized with a sensitivity of 0.25, above 0.1",
            ),
        ),
        Invalid(
            settings="",
            graph=convolutions,
            report=_layers(0, 0, 0, 0, 0, 0.05),
            messages=(
                "conv_6 is quantized with a sensitivity of 0.05, where the median of 6 conv layers is 0",
            ),
        ),
        Invalid(
            settings="",
            graph=convolutions,
            report=_layers(0.01, 0.01, 0.01, 0.01, 0.01, 0.02),
            options={"outlier-qs": 0.015, "outlier-score": 2},
            messages=("conv_6 is quantized with a sensitivity of 0.02, 2 times the median of 6 conv layers",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare each quantized layer with the threshold and with the measured layers of its type."""
        by_type: dict[str, list[float]] = {}
        for decision, layer in group_heads(context):
            if layer.qs is not None and isfinite(layer.qs):
                by_type.setdefault(context.graph[decision.name].type, []).append(layer.qs)
        types = {kind: _Type(kind, tuple(sorted(values))) for kind, values in by_type.items()}
        for decision, layer in quantized_heads(context):
            insisted = any(cause.kind is CauseKind.SENSITIVITY for cause in decision.overridden)
            found = (
                None if layer.qs is None or insisted else self._too_high(layer.qs, types, context, layer.name)
            )
            if found:
                yield Finding(
                    f"{layer.name} is quantized with a sensitivity of {layer.qs:.4g}, {found}",
                    span_of_layer(context, layer.name),
                    nodes=(layer.name,),
                    help=f"skip {layer.name}, or set quantization_sensitivity_threshold",
                )

    def _too_high(self, qs: float, types: Mapping[str, _Type], context: Context, layer: str) -> str | None:
        """Why a QS is high, or None."""
        if qs > self.threshold:
            return f"above {self.threshold:g}"
        of_type = types.get(context.graph[layer].type)
        if of_type is None or len(of_type.qs) < self.outlier_layers or qs <= self.outlier_qs:
            return None
        return of_type.comparison(qs) if of_type.score(qs) > self.outlier_score else None


@frozen(slots=False)
class _Type:
    """The QS of all measured layers of an operator type, sorted."""

    name: str
    qs: tuple[float, ...]

    @cached_property
    def median(self) -> float:
        return _median(self.qs)

    @cached_property
    def deviation(self) -> float:
        """The median absolute deviation, or a part of the median where that is larger."""
        found = _median(sorted(abs(value - self.median) for value in self.qs))
        return max(found, _LEAST_DEVIATION * self.median)

    def score(self, qs: float) -> float:
        above = qs - self.median
        return _NORMAL * above / self.deviation if self.deviation else inf * (above > 0)

    def comparison(self, qs: float) -> str:
        of_them = f"the median of {len(self.qs)} {self.name} layers"
        return f"{qs / self.median:.2g} times {of_them}" if self.median else f"where {of_them} is 0"


def _median(ordered: Sequence[float]) -> float:
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2

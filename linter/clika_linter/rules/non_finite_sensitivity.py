"""CLK304."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final

from clika_core.diagnostics import Severity
from clika_core.planning.decision import Precision
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding
from clika_linter.measured import span_of_layer
from clika_linter.report import Calibration, LayerReport
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed

_NON_FINITE: Final = ("inf", "-inf", "nan")  # as reports spell them


class NonFiniteSensitivity(Rule):
    """A measurement is infinite or not a number.

    ## What it does
    Reports layers whose QS, absolute error, calibrated range or scales in the report hold infinity or NaN, and
    layers whose calibration saw such values. For layers that stay float this is only information.

    ## Why is this bad?
    The layer's codes mean nothing, and whatever is computed from them neither. An infinite QS says that the float
    output was all zeros but the quantized one was not; NaN comes from an overflow or from the calibration data.

    ## Example
    The report says `"qs": "nan"` for `conv_2`, which is quantized.

    ## Use instead
    Calibration data without NaN that makes every layer do something; or keep the layer float:

    ```yaml
    layer_settings:
      conv_2:
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK304"
    name = "non-finite-sensitivity"
    severity = Severity.ERROR
    needs = (Need.PLAN, Need.REPORT)
    silences = ("CLK301", "CLK302", "CLK306", "CLK307")

    VALID = (
        Valid(
            settings="", graph=classifier, report={"layers": [{"name": "conv_2", "qs": 0.02, "abs_l2": 3.5}]}
        ),
        Valid(settings="", graph=classifier, report={"layers": [{"name": "conv_2", "qs": 1e30}]}),
        Valid(
            settings="",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 0.0, "abs_l2": 0.0, "sqnr_db": "inf"}]},
            about="an exact layer has infinitely many decibels",
        ),
        Valid(
            settings="",
            graph=classifier,
            report={
                "layers": [
                    {"name": "relu_2", "calibration": {"samples": 8, "min": 0.0, "max": 6.5, "non_finite": 0}}
                ]
            },
        ),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": "nan"}]},
            messages=("conv_2 has a sensitivity of nan",),
            nodes=(("conv_2",),),
        ),
        Invalid(
            settings="layer_settings:\n  «conv_2»: {quantization_settings: {weights_num_bits: 8}}\n",
            graph=classifier,
            report={
                "layers": [
                    {"name": "conv_2", "group": "conv_2", "qs": "inf", "abs_l2": 2.0},
                    {"name": "relu_2", "group": "conv_2", "qs": "inf", "abs_l2": 2.0},
                ]
            },
            messages=("conv_2 and relu_2 have a sensitivity of inf",),
            nodes=(("conv_2", "relu_2"),),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report={
                "layers": [
                    {
                        "name": "relu_1",
                        "group": "conv_1",
                        "calibration": {"samples": 8, "min": "-inf", "max": 3.0, "non_finite": 2},
                    }
                ]
            },
            messages=("relu_1 has a calibrated range -inf to 3 and 2 values that are not finite",),
            nodes=(("relu_1",),),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report={
                "layers": [
                    {
                        "name": "conv_2",
                        "qs": 0.01,
                        "quantization": {"weights": {"weight": {"scale": [0.1, "nan"]}}},
                    }
                ]
            },
            messages=("conv_2 has a scale of nan",),
        ),
        Invalid(
            settings="layer_settings:\n  «conv_2»: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "abs_l2": "inf"}]},
            messages=("conv_2 has an absolute error of inf",),
            severities=("info",),
            about="it is float, so nothing depends on it",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at every number of every layer; the layers of a group that say the same are one finding."""
        found: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        precisions = {decision.name: decision.precision for decision in context.plan.decisions}
        for name, layer in context.report.layers.items():
            problems = tuple(_problems(layer))
            if problems and name in precisions:
                found.setdefault((layer.group or name, problems), []).append(name)
        for (_, problems), names in found.items():
            layers = sorted(names, key=context.graph.index.__getitem__)
            is_float = all(precisions[name] is Precision.FLOAT for name in layers)
            yield Finding(
                f"{listed(layers)} {'has' if len(layers) == 1 else 'have'} {listed(problems)}",
                span_of_layer(context, layers[0]),
                nodes=tuple(layers),
                help=f"look at the calibration data and at the layers before {layers[0]}",
                severity=Severity.INFO if is_float else None,
            )


def _problems(layer: LayerReport) -> Iterator[str]:
    """Everything of a layer that is not finite, in words."""
    if layer.qs is not None and not isfinite(layer.qs):
        yield f"a sensitivity of {layer.qs:g}"
    elif layer.abs_l2 is not None and not isfinite(layer.abs_l2):
        yield f"an absolute error of {layer.abs_l2:g}"
    seen = layer.calibration or Calibration()
    limits = [limit for limit in (seen.min_value, seen.max_value) if limit is not None]
    if not all(map(isfinite, limits)):
        yield f"a calibrated range {' to '.join(f'{limit:.6g}' for limit in limits)}"
    if seen.non_finite:
        yield f"{seen.non_finite} values that are not finite"
    scale = next(_non_finite_scales(layer.quantization), None)
    if scale is not None:
        yield f"a scale of {scale}"


def _non_finite_scales(quantization: Mapping[str, Any]) -> Iterator[str]:
    """Those scales of values and weights; a scale is a number or nested lists of numbers."""
    parts = [part for part in quantization.values() if isinstance(part, dict)]
    waiting = [params.get("scale") for part in parts for params in part.values() if isinstance(params, dict)]
    while waiting:
        scale = waiting.pop()
        if isinstance(scale, list):
            is_all_numbers = {list, str}.isdisjoint(map(type, scale))  # quickly: layers have thousands
            waiting += [] if is_all_numbers else scale
        elif isinstance(scale, str) and scale in _NON_FINITE:
            yield scale

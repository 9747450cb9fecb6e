"""CLK307."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

from clika_core.diagnostics import Severity
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding
from clika_linter.measured import quantized_heads, span_of_layer
from clika_linter.option import Option
from clika_linter.rule import Need, Rule


def _report(**qs: object) -> dict[str, list[dict[str, object]]]:
    """A report with QS by layer."""
    return {"layers": [{"name": name, "qs": value} for name, value in qs.items()]}


class SensitivityRegression(Rule):
    """A layer has become more sensitive than it was.

    ## What it does
    Compares the QS of every quantized layer with the report given by `--reference-report`, by the layer's name.
    Reports a QS that grew by more than `max-growth` of the old one, 0.5 by default, and by more than
    `min-increase`, 0.005 by default. Layers that are new, or have become another operator, are passed over.

    ## Why is this bad?
    The model, its weights or its calibration data changed so that quantization costs more than before. Accuracy
    usually follows, and is harder to trace back.

    ## Example
    The QS of `conv_2` was 0.01 in the last release's report, and is 0.04 now.

    ## Use instead
    Look at what changed; or keep the layer float:

    ```yaml
    layer_settings:
      conv_2:
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK307"
    name = "sensitivity-regression"
    severity = Severity.WARNING
    needs = (Need.PLAN, Need.REPORT, Need.REFERENCE)

    max_growth = Option(
        Number(minimum=0), 0.5, "Growth of the QS, as a part of the old one, that is accepted."
    )
    min_increase = Option(Number(minimum=0), 0.005, "Increase of the QS up to which nothing is reported.")

    VALID = (
        Valid(settings="", graph=classifier, report=_report(conv_1=0.014), reference=_report(conv_1=0.01)),
        Valid(
            settings="",
            graph=classifier,
            report=_report(conv_1=0.004),
            reference=_report(conv_1=0.001),
            about="four times as much, but still little",
        ),
        Valid(settings="", graph=classifier, report=_report(conv_1=0.01), reference=_report(conv_1=0.4)),
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report=_report(conv_1=0.4),
            reference=_report(conv_1=0.01),
            about="it stays float",
        ),
        Valid(settings="", graph=classifier, report=_report(conv_1=0.4), reference=_report(conv_7=0.01)),
        Valid(
            settings="",
            graph=classifier,
            report=_report(conv_1=0.4),
            reference={"layers": [{"name": "conv_1", "type": "conv_transpose", "qs": 0.01}]},
            about="another operator",
        ),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=classifier,
            report=_report(conv_1=0.02, conv_2=0.04),
            reference=_report(conv_1=0.02, conv_2=0.01),
            messages=("the sensitivity of conv_2 grew from 0.01 to 0.04",),
            nodes=(("conv_2",),),
        ),
        Invalid(
            settings="layer_settings:\n  «conv_2»: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            report=_report(conv_1=0.03, conv_2=0.04),
            reference=_report(conv_1=0.01, conv_2=0.01),
            messages=(
                "the sensitivity of conv_1 grew from 0.01 to 0.03",
                "the sensitivity of conv_2 grew from 0.01 to 0.04",
            ),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report=_report(conv_1=0.012),
            reference=_report(conv_1=0.01),
            options={"max-growth": 0.1, "min-increase": 0.001},
            messages=("the sensitivity of conv_1 grew from 0.01 to 0.012",),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report=_report(conv_1=0.02),
            reference={"graph": {"fingerprint": "of an earlier model"}, **_report(conv_1=0.0)},
            messages=("the sensitivity of conv_1 grew from 0 to 0.02",),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report=_report(conv_1="inf"),
            reference=_report(conv_1=0.01),
            messages=("the sensitivity of conv_1 grew from 0.01 to inf",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare layer by layer."""
        for _, layer in quantized_heads(context):
            before, now = self._before(context, layer.name), layer.qs
            if before is not None and now is not None and self._has_grown(before, now):
                yield Finding(
                    f"the sensitivity of {layer.name} grew from {before:.4g} to {now:.4g}",
                    span_of_layer(context, layer.name),
                    nodes=(layer.name,),
                    help="look at what changed in the model, its weights or the calibration data",
                )

    @staticmethod
    def _before(context: Context, layer: str) -> float | None:
        """The finite QS of the same layer in the reference."""
        old = context.reference.layers.get(layer)
        if old is None or old.type not in ("", context.graph[layer].type):
            return None
        return old.qs if old.qs is not None and isfinite(old.qs) else None

    def _has_grown(self, before: float, now: float) -> bool:
        """Past both tolerances."""
        return now - before > max(self.min_increase, self.max_growth * before)

"""CLK308."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from clika_core.diagnostics import Severity
from clika_core.frozen import frozen
from clika_core.planning.decision import Precision
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding
from clika_linter.measured import span_of_layer
from clika_linter.option import Option
from clika_linter.report import Calibration, LayerReport
from clika_linter.rule import Need, Rule
from clika_linter.wording import percent

_ONE_SIDED: Final = 0.2  # of the longer side of zero, up to which the shorter one counts as none


def _relu(share: float, low: float, high: float, scale: float, zero_point: int = 0) -> dict[str, Any]:
    """A report of relu_2, whose values from `low` to `high` have uint8 codes, or int8 ones around zero point 0."""
    int8 = {"kind": "integer", "num_bits": 8, "is_signed": zero_point == 0, "code_range": "full"}
    layer = {
        "name": "relu_2",
        "share_of_codes_used": share,
        "calibration": {"samples": 200, "min": low, "max": high, "constant": False, "non_finite": 0},
        "quantization": {"activations": {"0": {"format": int8, "scale": scale, "zero_point": zero_point}}},
    }
    return {"layers": [layer]}


class WastedRange(Rule):
    """Most codes of a layer stand for values that do not occur.

    ## What it does
    Reports quantized layers whose calibration data became fewer than `min-share` of the codes, 60 % by default, and
    says why, as far as the report shows: values on one side of zero in a symmetric range (half of the codes); a
    range that is much wider than what was seen, as when a `concat` gives very different values one range; or a
    few values far from all others.

    ## Why is this bad?
    Two bits of eight are gone where a quarter of the codes is used: the steps are four times as coarse as
    they could be.

    ## Example
    `relu_2` has values from 0 to 6, and int8 codes for -6 to 6.

    ## Use instead
    Another observer where outliers stretch the range:

    ```yaml
    global_quantization_settings:
      observer: percentile
    ```
    """

    code = "CLK308"
    name = "wasted-range"
    severity = Severity.INFO
    needs = (Need.PLAN, Need.REPORT)

    min_share = Option(Number(minimum=0), 0.6, "Share of the codes, 0 to 1, from which nothing is reported.")

    VALID = (
        Valid(settings="", graph=classifier, report=_relu(0.9, 0.0, 6.0, 6 / 127)),
        Valid(
            settings="layer_settings:\n  conv_2: {quantization_settings: {skip_quantization: true}}\n"
            "  relu_2: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report=_relu(0.1, 0.0, 6.0, 6 / 127),
            about="it is float",
        ),
        Valid(settings="", graph=classifier, report={"layers": [{"name": "relu_2"}]}),
        Valid(
            settings="", graph=classifier, report=_relu(0.5, 0.0, 6.0, 6 / 127), options={"min-share": 0.4}
        ),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=classifier,
            report=_relu(0.504, 0.0, 6.0, 6 / 127),
            messages=(
                "relu_2 uses 50 % of its codes: its values are on one side of zero, the range -6.04724 to 6 on both",
            ),
            nodes=(("relu_2",),),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report=_relu(0.125, -1.0, 1.0, 8 / 127),
            messages=("relu_2 uses 12 % of its codes: its values span -1 to 1, its range -8.06299 to 8",),
        ),
        Invalid(
            settings="layer_settings:\n  «relu_2»: {quantization_settings: {activations_num_bits: 8}}\n",
            graph=classifier,
            report=_relu(0.05, -80.0, 90.0, 2 / 3, 120),
            messages=("relu_2 uses 5.0 % of its codes: a few values stretch its range to -80 to 90",),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report={"layers": [{"name": "relu_2", "share_of_codes_used": 0.2}]},
            messages=("relu_2 uses 20 % of its codes",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at the share of every quantized layer."""
        for decision in context.plan.decisions:
            layer = context.report.layers.get(decision.name)
            share = layer.share_of_codes_used if layer else None
            is_quantized = decision.precision is Precision.QUANTIZED
            if layer and is_quantized and share is not None and share < self.min_share:
                reason, help = _reason(layer)
                yield Finding(
                    f"{layer.name} uses {percent(share)} of its codes{reason}",
                    span_of_layer(context, layer.name),
                    nodes=(layer.name,),
                    help=help,
                )


def _reason(layer: LayerReport) -> tuple[str, str]:
    """Why codes are left over, to follow a message, and what to do about it."""
    seen, covered = layer.calibration or Calibration(), _Covered.of(layer.quantization)
    if covered is None or seen.min_value is None or seen.max_value is None:
        return "", "look at its values and its range"
    low, high = max(seen.min_value, covered.low), min(seen.max_value, covered.high)
    sides = sorted((abs(low), abs(high)))
    if covered.is_symmetric and (low * high >= 0 or sides[0] <= _ONE_SIDED * sides[1]):
        words = f"its values are on one side of zero, the range {covered} on both"
        return f": {words}", "use an asymmetric scheme, if the target has one"
    if high - low < 0.5 * (covered.high - covered.low):
        words = f"its values span {low:.6g} to {high:.6g}, its range {covered}"
        return (
            f": {words}",
            "look at what shares the range: bring the inputs of a concat to one magnitude, or skip it",
        )
    return f": a few values stretch its range to {covered}", "try another observer, such as percentile or mse"


@frozen
class _Covered:
    """The real values that the codes of an activation stand for, both limits included."""

    low: float
    high: float
    is_symmetric: bool

    @classmethod
    def of(cls, quantization: Mapping[str, Any]) -> _Covered | None:
        """From what the report says of the first output; None where it does not say it in this way."""
        from clika_core.errors import ClikaError
        from clika_core.schemes.serialization import format_from_json

        try:
            params = quantization["activations"]["0"]
            format, scale, zero_point = (
                format_from_json(params["format"]),
                params["scale"],
                params["zero_point"],
            )
            low, high = (scale * (code - zero_point) for code in (format.quant_min, format.quant_max))
        except (ClikaError, AttributeError, KeyError, TypeError):
            return None
        return cls(low, high, 2 * zero_point in (format.quant_min + format.quant_max + n for n in (-1, 0, 1)))

    def __str__(self) -> str:
        return f"{self.low:.6g} to {self.high:.6g}"

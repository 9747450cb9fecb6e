"""CLK104."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clika_core.diagnostics import Severity
from clika_core.planning.decision import CauseKind, Decision, Precision
from clika_core.settings.value_types import Number
from clika_linter.bits import is_lost_to_bits
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.contributions import contributions
from clika_linter.example_graphs import classifier, decoder, residual
from clika_linter.finding import Finding
from clika_linter.option import Option
from clika_linter.rule import Need, Rule
from clika_linter.wording import percent

_SHOWN = 3  # causes in a message
_UNASKED = frozenset({CauseKind.TAIL, CauseKind.UNSUPPORTED, CauseKind.FLOAT_ONLY})


class MostlyFloat(Rule):
    """Most of the work stays float.

    ## What it does
    Reports plans that leave more than `max-share` of the multiply-accumulates float, half of them by default, and
    the rules that cost most. An info where the tail and the target alone already leave that much, and where it is
    the weight bytes alone that mostly stay float: a few large layers at the end, as in VGG.

    ## Why is this bad?
    The model will be hardly faster or smaller than before, though it looks quantized.

    ## Example
    ```yaml
    layer_settings:
      "op:conv":
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      conv_1:
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK104"
    name = "mostly-float"
    severity = Severity.WARNING
    needs = (Need.PLAN,)

    max_share = Option(
        Number(minimum=0), 0.5, "Share of multiply-accumulates, or weight bytes, that may stay float."
    )

    VALID = (
        Valid(settings="", graph=classifier),
        Valid(
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_downstream: true\n",
            graph=classifier,
            about="the guide's second example: the head is cheap",
        ),
        Valid(
            settings="layer_settings: {conv_2: {quantization_settings: {skip_quantization: true}}}\n",
            graph=classifier,
            options={"max-share": 0.8},
        ),
        Valid(
            settings="global_quantization_settings: {weights_num_bits: 4}\n",
            graph=classifier,
            about="what stays float for wrong bits is not counted: see CLK402",
        ),
        Valid(
            settings="layer_settings: {linear_1: {quantization_settings: {skip_quantization: false}}}\n",
            graph=residual,
        ),
    )
    INVALID = (
        Invalid(
            settings='layer_settings:\n  «"re:conv_[12]"»: {quantization_settings: {skip_quantization: true}}\n',
            graph=residual,
            messages=(
                "76 % of the multiply-accumulates stay float: rule 're:conv_[12]' keeps 47 %, the tail 29 %",
            ),
        ),
        Invalid(
            settings='{"layer_settings": {"conv_1": {"quantization_settings": {"skip_quantization": true}},\n'
            '«"conv_2"»: {"quantization_settings": {"skip_quantization": true}}}}',
            syntax="json",
            graph=classifier,
            options={"max-share": 0.9},
            messages=(
                "100 % of the multiply-accumulates stay float: rule 'conv_2' keeps 73 %, rule 'conv_1' 27 %",
            ),
            severities=("warning",),
        ),
        Invalid(
            settings="",
            graph=residual,
            messages=("96 % of the weight bytes stay float: the tail keeps 96 %",),
            severities=("info",),
        ),
        Invalid(
            settings="[deployment_settings]\ntarget_framework = 'ort'\n",
            syntax="toml",
            graph=decoder,
            messages=("85 % of the multiply-accumulates stay float: the target keeps 62 %, the tail 23 %",),
            severities=("info",),
            about="no rule has a part in it",
        ),
        Invalid(
            settings="global_quantization_settings:\n  quantization_sensitivity_threshold: «0.1»\n",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 0.5}, {"name": "relu_2", "qs": 0.5}]},
            messages=(
                "73 % of the multiply-accumulates stay float: the sensitivity threshold keeps 73 %, the tail 0.2 %",
            ),
            nodes=(("conv_2", "linear_1"),),
            severities=("warning",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Multiply-accumulates first; weight bytes only where those are fine."""
        macs = self._finding(context, context.costs.multiply_accumulates, "multiply-accumulates")
        bytes_ = macs or self._finding(context, context.costs.weight_bytes, "weight bytes", Severity.INFO)
        if bytes_:
            yield bytes_

    def _finding(
        self, context: Context, costs: Mapping[str, int], what: str, severity: Severity = Severity.WARNING
    ) -> Finding | None:
        total = sum(costs.values())
        costly = [d for d in context.plan.decisions if d.precision is Precision.FLOAT and costs[d.name]]
        floats = [decision for decision in costly if not is_lost_to_bits(context, decision.name)]
        share = _cost(floats, costs) / max(total, 1)
        if share <= self.max_share:
            return None
        unasked = [d for d in floats if any(cause.kind in _UNASKED for cause in d.causes)]
        is_asked = _cost(unasked, costs) / max(total, 1) <= self.max_share
        found = contributions(floats, costs)
        parts = [f"{each.words} keeps {percent(each.cost / total)}" for each in found[:1]]
        parts += [f"{each.words} {percent(each.cost / total)}" for each in found[1:_SHOWN]]
        return Finding(
            f"{percent(share)} of the {what} stay float: {', '.join(parts)}",
            found[0].span(context.places) if found else None,
            nodes=tuple(decision.name for decision in floats),
            help=found[0].remedy if is_asked else None,
            severity=severity if is_asked else Severity.INFO,
        )


def _cost(decisions: list[Decision], costs: Mapping[str, int]) -> int:
    return sum(costs[decision.name] for decision in decisions)

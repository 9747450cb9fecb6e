"""CLK303."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.decision import CauseKind, Decision
from clika_core.planning.skip_rules import ResolvedRule
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, residual
from clika_linter.finding import Finding
from clika_linter.option import Option
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed, percent

_SMALL = {"layers": [{"name": "conv_1", "qs": 0.01}, {"name": "conv_2", "qs": 0.012}]}
_SKIP_CONV_1 = "layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"


class NeedlessSkip(Rule):
    """A rule keeps layers float that quantization hardly changes.

    ## What it does
    Reports rules whose layers all have a small QS in the report, at most `max-qs`, 0.02 by default; and says what
    they cost. Only layers with a weight that stay float because of rules alone count; a rule is not reported as
    long as one of these is sensitive or was not measured.

    ## Why is this bad?
    A float layer is four times as large as its int8 form and slower, and often needs conversions around it. A
    skip that was put in by guess is worth removing once the measurement is there.

    ## Example
    The report says QS 0.01 for `conv_1`.

    ```yaml
    layer_settings:
      conv_1:
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
    ```
    """

    code = "CLK303"
    name = "needless-skip"
    severity = Severity.INFO
    needs = (Need.PLAN, Need.LAYER_RULES, Need.REPORT)
    holds_for_every_graph = True

    max_qs = Option(Number(minimum=0), 0.02, "QS up to which skipping a layer is called needless.")

    VALID = (
        Valid(
            settings=_SKIP_CONV_1,
            graph=classifier,
            report={"layers": [{"name": "conv_1", "qs": 0.4}]},
        ),
        Valid(
            settings=_SKIP_CONV_1,
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 0.01}]},
            about="conv_1 was not measured",
        ),
        Valid(
            settings="layer_settings:\n  linear_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report={"layers": [{"name": "linear_1", "qs": 0.001}]},
            about="the tail is float anyway",
        ),
        Valid(
            settings="layer_settings:\n  op:conv: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report={"layers": [{"name": "conv_1", "qs": 0.01}, {"name": "conv_2", "qs": 0.4}]},
            about="one of its layers is sensitive",
        ),
        Valid(
            settings="layer_settings:\n  relu_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report={"layers": [{"name": "relu_1", "qs": 0.01}]},
            about="no weight, little to win",
        ),
        Valid(settings=_SKIP_CONV_1, graph=classifier, report=_SMALL, options={"max-qs": 0.005}),
    )
    INVALID = (
        Invalid(
            settings=_SKIP_CONV_1.replace("conv_1", "«conv_1»"),
            graph=classifier,
            report=_SMALL,
            messages=(
                "rule 'conv_1' keeps conv_1 float, whose sensitivity is only 0.01; that costs 27 % of the "
                "multiply-accumulates and 25 % of the weight bytes",
            ),
            nodes=(("conv_1",),),
        ),
        Invalid(
            settings="layer_settings:\n  «'op:conv'»:\n    quantization_settings:\n      skip_quantization: true\n",
            graph=classifier,
            report=_SMALL,
            messages=(
                "rule 'op:conv' keeps conv_1 and conv_2 float, whose sensitivities are at most 0.012; that",
            ),
            nodes=(("conv_1", "conv_2"),),
        ),
        Invalid(
            settings='{"layer_settings": {«"conv_1"»: {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": "add_1"}}}}\n',
            syntax="json",
            graph=residual,
            report=_SMALL,
            messages=("rule 'conv_1' keeps conv_1 and conv_2 float",),
            nodes=(("conv_1", "conv_2"),),
        ),
        Invalid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  «conv_2»: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report={"layers": [{"name": "conv_1", "qs": 0.4}, {"name": "conv_2", "qs": 0.004}]},
            messages=("rule 'conv_2' keeps conv_2 float, whose sensitivity is only 0.004",),
        ),
        Invalid(
            settings="[layer_settings.«conv_2».quantization_settings]\nskip_quantization = true\n",
            syntax="toml",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 0.05}]},
            options={"max-qs": 0.05},
            messages=("rule 'conv_2' keeps conv_2 float, whose sensitivity is only 0.05",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Gather the layers that each rule keeps float, and report it if all of them are insensitive."""
        by_selector: dict[str, list[str]] = {}
        for decision in context.plan.decisions:
            if context.costs.weight_bytes[decision.name] and _is_by_rules_alone(decision):
                for selector in dict.fromkeys(cause.selector for cause in decision.causes):
                    by_selector.setdefault(selector or "", []).append(decision.name)
        for _, rule in context.rules():
            layers = by_selector.get(rule.rule.selector, [])
            measured = [context.measured[name].qs for name in layers if name in context.measured]
            qs = [value for value in measured if value is not None and value <= self.max_qs]
            if layers and len(qs) == len(layers):
                yield _finding(context, rule, layers, max(qs))


def _is_by_rules_alone(decision: Decision) -> bool:
    """Whether a layer would be quantized if no rule kept it float."""
    return bool(decision.causes) and all(cause.kind is CauseKind.RULE for cause in decision.causes)


def _finding(context: Context, rule: ResolvedRule, layers: list[str], qs: float) -> Finding:
    selector = rule.rule.selector
    words = f"sensitivity is only {qs:.3g}" if len(layers) == 1 else f"sensitivities are at most {qs:.3g}"
    operations = percent(context.costs.share_of_multiply_accumulates(layers))
    size = percent(context.costs.share_of_weight_bytes(layers))
    return Finding(
        f"rule {selector!r} keeps {listed(layers)} float, whose {words}; that costs {operations} of the "
        f"multiply-accumulates and {size} of the weight bytes",
        context.span_of(rule),
        nodes=tuple(layers),
        help="remove the rule, and compare the accuracy",
    )

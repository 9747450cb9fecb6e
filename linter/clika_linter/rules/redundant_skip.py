"""CLK204."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.decision import CauseKind
from clika_core.planning.skip_rules import ResolvedRule
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, residual
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.redundancy import redundant_rules
from clika_linter.rule import Need, Rule
from clika_linter.wording import because, listed


class RedundantSkip(Rule):
    """A rule for layers changes nothing.

    ## What it does
    Reports rules without which the same layers would be quantized, with the same bits: because the tail, another
    rule or the target keeps them float anyway, or because nothing keeps float what `skip_quantization: false`
    asks for. All rules reported in one run can be removed together.

    ## Why is this bad?
    A rule that does nothing looks as if it did something. It hides which rule matters, and it starts to
    matter by accident when the model changes.

    ## Example
    ```yaml
    layer_settings:
      linear_1: # the last layer, which is in the tail
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
    ```

    ## Fix safety
    Safe: the plan of every graph that the file is used with stays the same.
    """

    code = "CLK204"
    name = "redundant-skip"
    severity = Severity.WARNING
    needs = (Need.PLAN, Need.LAYER_RULES)
    fix = Safety.SAFE
    holds_for_every_graph = True

    VALID = (
        Valid(settings="layer_settings:\n", graph=classifier),
        Valid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings: {skip_quantization: true}\n",
            graph=classifier,
        ),
        Valid(
            settings="layer_settings:\n  linear_1:\n    quantization_settings: {skip_quantization: false}\n",
            graph=classifier,
            about="takes the layer out of the tail",
        ),
        Valid(
            settings=(
                "global_quantization_settings: {skip_tail_quantization: false}\n"
                "layer_settings:\n  linear_1: {quantization_settings: {skip_quantization: true}}\n"
            ),
            graph=classifier,
            about="there is no tail that would skip it",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «linear_1»: # the head\n    quantization_settings:\n"
            "      skip_quantization: true\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            messages=(
                "rule 'linear_1' changes nothing: linear_1 stays float because of the tail of output_1",
            ),
            nodes=(("linear_1",),),
            fixed="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
        ),
        Invalid(
            settings="layer_settings:\n  «conv_1»: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            messages=("rule 'conv_1' changes nothing: conv_1 would be quantized without it",),
            fixed="layer_settings:\n",
        ),
        Invalid(
            settings='{"layer_settings": {\n  "conv_1": {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": "add_1"}},\n'
            '  «"conv_2"»: {"quantization_settings": {"skip_quantization": true}}\n}}\n',
            syntax="json",
            graph=residual,
            messages=("rule 'conv_2' changes nothing: conv_2 stays float because of the rule 'conv_1'",),
            fixed='{"layer_settings": {\n  "conv_1": {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_until": "add_1"}}\n'
            "}}\n",
        ),
        Invalid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  «features.0»: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            messages=("rule 'features.0' changes nothing: conv_1 stays float because of the rule 'conv_1'",),
            fixed="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
            about="of two equal rules only one may go",
        ),
        Invalid(
            settings="layer_settings:\n  «conv_1»: {quantization_settings: {weights_num_bits: 8}}\n",
            graph=classifier,
            messages=("rule 'conv_1' changes nothing: conv_1 would be quantized without it",),
            fixed="layer_settings:\n",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Report every rule that could go."""
        for number in redundant_rules(context):
            rule = context.reach.rules[number]
            edits = context.editor.remove_rule(rule.rule.selector)
            layers = tuple(context.graph.nodes[position].name for position in sorted(rule.matches))
            yield Finding(
                f"rule {rule.rule.selector!r} changes nothing: {_reason(context, rule, layers)}",
                context.span_of(rule),
                nodes=layers,
                help="remove it",
                fix=Fix("remove the rule", edits) if edits else None,
            )


def _reason(context: Context, rule: ResolvedRule, layers: tuple[str, ...]) -> str:
    """Why the decisions stay, by the first layer the rule names."""
    decision = context.plan[layers[0]]
    own = (CauseKind.RULE, rule.rule.selector)
    others = [cause for cause in decision.causes if (cause.kind, cause.selector) != own]
    if others:
        stay = "stays" if len(layers) == 1 else "stay"
        return f"{listed(layers)} {stay} float because of {because(others[0])}"
    if decision.precision == "removed":
        return f"preprocessing removes {listed(layers)}"
    return f"{listed(layers)} would be quantized without it"

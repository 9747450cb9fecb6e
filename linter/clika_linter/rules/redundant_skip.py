"""CLK204."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.decision import CauseKind, Decision, Precision
from clika_core.settings.model import LayerRule
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, guide_network, residual
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.redundancy import redundant_rules
from clika_linter.rule import Need, Rule
from clika_linter.wording import because, listed

_MAX_REASONS = 2


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
    silences = ("CLK209", "CLK214")
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
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_downstream: true\n",
            graph=guide_network,
            about="only the end of the range is in the tail",
        ),
        Valid(
            settings=(
                "global_quantization_settings: {skip_tail_quantization: false}\n"
                "layer_settings:\n  linear_1: {quantization_settings: {skip_quantization: true}}\n"
            ),
            graph=classifier,
            about="there is no tail that would skip it",
        ),
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  conv_1: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            about="written twice: without the second one, the first would count",
        ),
        Valid(
            settings="layer_settings:\n  're:conv_.*': {quantization_settings: {skip_quantization: true}}\n"
            "  're:conv_1': {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            about="which of two rules that contradict each other has to go is not for us to say",
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
            messages=("rule 'conv_1' changes nothing: conv_1 would have the same bits without it",),
            fixed="layer_settings:\n",
        ),
        Invalid(
            settings="layer_settings:\n"
            "  linear_3: {quantization_settings: {skip_quantization: true, skip_quantization_downstream: true}}\n"
            "  «classifier.10»:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [linear_5]\n",
            graph=guide_network,
            messages=(
                "rule 'classifier.10' changes nothing: linear_4 and relu_6 stay float because of the rule "
                "'linear_3'; linear_5 stays float because of the tail of output_1",
            ),
            nodes=(("linear_4",),),
            fixed="layer_settings:\n"
            "  linear_3: {quantization_settings: {skip_quantization: true, skip_quantization_downstream: true}}\n",
            about="a range whose layers all stay float anyway",
        ),
        Invalid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  «features.1»: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            messages=(
                "rule 'features.1' changes nothing: relu_1 stays float because of the layers around it (conv_1)",
            ),
            fixed="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
            about="the activation of a skipped convolution is float with it",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Report every rule that could go."""
        redundant = redundant_rules(context)
        reached = _reached(context, redundant)
        for number in redundant:
            rule = context.reach.rules[number]
            if rule.rule.selector in context.disputed:
                continue
            edits = context.editor.remove_rule(rule.rule.selector)
            yield Finding(
                f"rule {rule.rule.selector!r} changes nothing: {_reasons(context, rule.rule, reached[number])}",
                context.span_of(rule),
                nodes=tuple(context.graph.nodes[position].name for position in sorted(rule.matches)),
                help="remove it",
                fix=Fix("remove the rule", edits) if edits else None,
            )


def _reached(context: Context, numbers: Collection[int]) -> dict[int, set[int]]:
    """By rule, the layers that it selects, and those of its range."""
    found = {number: set(context.reach.rules[number].matches) for number in numbers}
    for position, causes in context.reach.causes.items() if found else ():
        for number, _ in causes:
            if number in found:
                found[number].add(position)
    return found


def _reasons(context: Context, rule: LayerRule, positions: Collection[int]) -> str:
    """Why the decisions stay: the layers that the rule reaches, by what else decides them."""
    layers: dict[tuple[str, str], list[str]] = {}
    for position in sorted(positions):
        name = context.graph.nodes[position].name
        layers.setdefault(_reason(context.plan[name], rule), []).append(name)
    shown = list(layers.items())[:_MAX_REASONS]
    rest = len(layers) - len(shown)
    parts = [f"{listed(names)} {words[len(names) > 1]}" for words, names in shown]
    return "; ".join([*parts, f"and {rest} more reasons"] if rest else parts)


def _reason(decision: Decision, rule: LayerRule) -> tuple[str, str]:
    """What decides a layer beside the rule; the words for one layer and for several."""
    if decision.precision is Precision.REMOVED:
        return ("is removed by preprocessing", "are removed by preprocessing")
    own = (CauseKind.RULE, rule.selector)
    others = [cause for cause in decision.causes if (cause.kind, cause.selector) != own]
    bits = rule.settings.weights_num_bits or rule.settings.activations_num_bits
    if bits:
        others.sort(
            key=lambda cause: cause.kind is CauseKind.UNSUPPORTED
        )  # the bits may be the reason for it
    if others:
        reason = f"float because of {because(others[0])}"
        return (f"stays {reason}", f"stay {reason}")
    words = "would be quantized without it" if not bits else "would have the same bits without it"
    return (words, words)

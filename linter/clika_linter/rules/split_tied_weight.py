"""CLK215."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from clika_core.diagnostics import Severity
from clika_core.ir.graph import Node, Weight
from clika_core.ir.operators import OPERATORS
from clika_core.planning.decision import CauseKind, Decision, Precision
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, shared_weight, tied_head
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed

_FORCED = (CauseKind.FLOAT_ONLY, CauseKind.UNSUPPORTED, CauseKind.INHERITED)
_BITS = {"float64": 64, "float32": 32, "float16": 16, "bfloat16": 16}


class SplitTiedWeight(Rule):
    """A weight that several layers share is quantized in one of them and float in another.

    ## What it does
    Follows weights by their identity, not their name: layers that are called twice, tied embeddings and heads.
    Reports those of which both an integer and a float copy are needed, and the bytes of the second. Where no
    rule is the reason, but the tail, the target or a measured sensitivity, it is an info.

    ## Why is this bad?
    One tensor becomes two: the model may end up larger than without quantization of this weight. Fine-tuning
    that keeps the uses equal no longer sees one weight.

    ## Example
    ```yaml
    layer_settings:
      linear_1: # linear_2 uses the same weight
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      encoder: # the module that both layers come from
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK215"
    name = "split-tied-weight"
    severity = Severity.WARNING
    needs = (Need.PLAN,)

    VALID = (
        Valid(settings="", graph=shared_weight, about="both uses are quantized"),
        Valid(
            settings="layer_settings:\n  encoder: {quantization_settings: {skip_quantization: true}}\n",
            graph=shared_weight,
            about="both uses are float",
        ),
        Valid(
            settings="layer_settings:\n  decoder: {quantization_settings: {skip_quantization: true}}\n",
            graph=shared_weight,
        ),
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            about="weights of equal shape, but not shared",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «linear_1»: {quantization_settings: {skip_quantization: true}}\n",
            graph=shared_weight,
            messages=(
                "rule 'linear_1' splits a weight: linear_1 needs it float, linear_2 quantized; the float copy "
                "takes 1,024 bytes beside 256",
            ),
            nodes=(("linear_1", "linear_2"),),
            severities=("warning",),
        ),
        Invalid(
            settings='{"layer_settings": {«"relu_1"»: {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_downstream": true}}}}',
            syntax="json",
            graph=shared_weight,
            messages=("rule 'relu_1' splits a weight: linear_2 needs it float, linear_1 quantized",),
        ),
        Invalid(
            settings="",
            graph=tied_head,
            messages=(
                "the plan splits a weight: linear_2 needs it float, linear_1 quantized; the float copy",
            ),
            nodes=(("linear_1", "linear_2"),),
            severities=("info",),
            about="the tail does so by itself",
        ),
        Invalid(
            settings="layer_settings:\n  encoder: {quantization_settings: {skip_quantization: true}}\n"
            "  «linear_2»: {quantization_settings: {skip_quantization: false}}\n",
            graph=shared_weight,
            messages=("rule 'linear_2' splits a weight: linear_1 needs it float, linear_2 quantized",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at every weight with several uses."""
        for uses in _shared(context):
            decisions = [context.plan[node.name] for node, _ in uses]
            floats = [d for d in decisions if d.precision is Precision.FLOAT]
            quantized = [d for d in decisions if d.precision is Precision.QUANTIZED]
            if floats and quantized:
                yield _finding(context, uses[0][1], floats, quantized)


def _shared(context: Context) -> Iterator[list[tuple[Node, Weight]]]:
    """The uses of each weight that is multiplied in more than one layer."""
    uses: dict[str, list[tuple[Node, Weight]]] = {}
    for node in context.graph.layers:
        entry = OPERATORS.get(node.type)
        for weight in node.weights if entry else ():
            if entry and weight.role in entry.weight_operands:
                uses.setdefault(weight.identity, []).append((node, weight))
    return (found for found in uses.values() if len(found) > 1)


def _finding(
    context: Context, weight: Weight, floats: Sequence[Decision], quantized: Sequence[Decision]
) -> Finding:
    number = _rule_at_fault(context, floats, quantized)
    rule = context.reach.rules[number] if number is not None else None
    names = [decision.name for decision in (*floats, *quantized)]
    elements = prod(weight.shape)
    float_bytes = elements * _BITS.get(weight.dtype, 32) // 8
    integer_bytes = elements * quantized[0].weights_num_bits // 8
    subject = f"rule {rule.rule.selector!r}" if rule else "the plan"
    return Finding(
        f"{subject} splits a weight: {_need(floats)} it float, {listed([d.name for d in quantized])} quantized; "
        f"the float copy takes {float_bytes:,} bytes beside {integer_bytes:,}",
        context.span_of(rule) if rule else None,
        nodes=tuple(sorted(names, key=context.graph.index.__getitem__)),
        help=f"skip all of them together, or none{_without_skip(floats)}",
        severity=None if rule else Severity.INFO,
    )


def _without_skip(floats: Sequence[Decision]) -> str:
    """How to have none of the uses skipped, where that is in the user's hands."""
    is_forced = any(cause.kind in _FORCED for decision in floats for cause in decision.causes)
    return "" if is_forced else f": skip_quantization: false for {listed([d.name for d in floats])}"


def _need(floats: Sequence[Decision]) -> str:
    return f"{listed([decision.name for decision in floats])} {'needs' if len(floats) == 1 else 'need'}"


def _rule_at_fault(context: Context, floats: Sequence[Decision], quantized: Sequence[Decision]) -> int | None:
    """The first rule that makes one of the uses differ from what it would be without rules."""
    if not context.reach.rules:
        return None
    without = context.plan_without_rules
    skipped = [d.name for d in floats if without[d.name].precision is Precision.QUANTIZED]
    skipping = [
        number for name in skipped for number, _ in context.reach.causes.get(context.graph.index[name], ())
    ]
    winners = context.reach.fields["skip_quantization"]
    keeping = [
        winners[position].rule
        for decision in quantized
        if decision.overridden and (position := context.graph.index[decision.name]) in winners
    ]
    return min(keeping or skipping, default=None)

"""CLK205."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_core.diagnostics import Severity
from clika_core.planning.reachability import set_bits
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import guide_network, residual
from clika_linter.finding import Finding, Label
from clika_linter.ranges import ranges_by_layer
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed

_MAX_LABELS = 4


class OverlappingRanges(Rule):
    """Two ranges share layers, and neither holds the other.

    ## What it does
    Reports ranges (`skip_quantization_until`, `skip_quantization_downstream`) that overlap in part. A range
    inside another one is reported by redundant-skip where it changes nothing.

    ## Why is this bad?
    It works: ranges unite. But the layers they share stay float when one of the rules is removed, and where the
    skipped region begins and ends can be read from neither rule.

    ## Example
    ```yaml
    layer_settings:
      linear_1:
        quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_3]}
      linear_2:
        quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_4]}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      linear_1:
        quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_4]}
    ```
    """

    code = "CLK205"
    name = "overlapping-ranges"
    severity = Severity.INFO
    needs = (Need.GRAPH, Need.LAYER_RULES)

    VALID = (
        Valid(
            settings="layer_settings:\n"
            "  linear_1: {quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_2]}}\n"
            "  linear_3: {quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_4]}}\n",
            graph=guide_network,
        ),
        Valid(
            settings="layer_settings:\n"
            "  linear_1: {quantization_settings: {skip_quantization: true, skip_quantization_downstream: true}}\n"
            "  linear_3: {quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_4]}}\n",
            graph=guide_network,
            about="the first range holds the second one",
        ),
        Valid(
            settings="layer_settings:\n"
            "  linear_1: {quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_3]}}\n"
            "  op:linear: {quantization_settings: {skip_quantization: true}}\n",
            graph=guide_network,
            about="a rule without a range",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  linear_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [linear_3]\n"
            "  «linear_2»:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [linear_4]\n",
            graph=guide_network,
            messages=(
                "the range of rule 'linear_2' shares linear_2, relu_4, dropout_3 and linear_3 with that of "
                "rule 'linear_1', and neither holds the other",
            ),
            nodes=(("linear_2", "relu_4", "dropout_3", "linear_3"),),
        ),
        Invalid(
            settings='{"layer_settings": {\n'
            '  "conv_1": {"quantization_settings": {"skip_quantization": true, '
            '"skip_quantization_until": "add_1"}},\n'
            '  "neck": {"quantization_settings": {"skip_quantization": true, '
            '"skip_quantization_downstream": true}},\n'
            '  «"block"»: {"quantization_settings": {"skip_quantization": true, '
            '"skip_quantization_until": "conv_3"}}\n}}',
            syntax="json",
            graph=residual,
            messages=(
                "the range of rule 'block' shares conv_2, add_1 and conv_3 with those of rules 'conv_1' and "
                "'neck', and none holds another",
            ),
        ),
        Invalid(
            settings="layer_settings:\n"
            "  linear_1: {quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_3]}}\n"
            "  «linear_2»: {quantization_settings: {skip_quantization: true, skip_quantization_until: [linear_4]}}\n"
            "  «linear_3»: {quantization_settings: {skip_quantization: true, skip_quantization_downstream: true}}\n",
            graph=guide_network,
            messages=(
                "the range of rule 'linear_2' shares",
                "the range of rule 'linear_3' shares linear_3, relu_5, dropout_4 and linear_4 with those of "
                "rules 'linear_1' and 'linear_2', and none holds another",
            ),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare each range with those before it that have a layer in common with it."""
        members, partners = _members(context)
        for number, layers in members.items():
            overlapping = [other for other in partners[number] if _overlap(layers, members[other])]
            if overlapping:
                shared = layers & set().union(*(members[other] for other in overlapping))
                yield _finding(context, number, overlapping, sorted(shared))


def _members(context: Context) -> tuple[dict[int, set[int]], dict[int, list[int]]]:
    """The layers of each range, and the ranges written before it that share a layer with it."""
    members: dict[int, set[int]] = {}
    meeting: dict[int, int] = {}
    for position, ranges in ranges_by_layer(context.reach).items():
        for number in set_bits(ranges):
            members.setdefault(number, set()).add(position)
            meeting[number] = meeting.get(number, 0) | ranges
    earlier = {number: list(set_bits(bits & ((1 << number) - 1))) for number, bits in meeting.items()}
    return members, earlier


def _overlap(one: set[int], other: set[int]) -> bool:
    """Whether two sets share elements without one containing the other."""
    shared = len(one & other)
    return 0 < shared < min(len(one), len(other))


def _finding(context: Context, number: int, others: Sequence[int], shared: Sequence[int]) -> Finding:
    rules = context.reach.rules
    names = [repr(rules[other].rule.selector) for other in others]
    those = f"that of rule {names[0]}, and neither holds the other"
    if len(names) > 1:
        those = f"those of rules {listed(names)}, and none holds another"
    layers = tuple(context.graph.nodes[position].name for position in shared)
    spans = [context.span_of(rules[other]) for other in others[:_MAX_LABELS]]
    return Finding(
        f"the range of rule {rules[number].rule.selector!r} shares {listed(layers)} with {those}",
        context.span_of(rules[number]),
        nodes=layers,
        help=f"write one range, or let the earlier one end before {layers[0]}",
        labels=tuple(Label(span, "the other range") for span in spans if span),
    )

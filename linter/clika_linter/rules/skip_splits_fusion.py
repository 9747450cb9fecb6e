"""CLK207."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.graph import Node, NodeKind
from clika_core.planning.decision import CauseKind, Precision
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, guide_network, residual
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class SkipSplitsFusion(Rule):
    """A rule skips a layer that the target would compute in one kernel with the layer before it.

    ## What it does
    Reports layers that a rule keeps float although the head of their fused group is quantized: the relu of a
    quantized convolution, for instance. Groups are those of the deployment target. Heads that an explicit
    `skip_quantization: false` takes out of a range are left to conflicting-skip.

    ## Why is this bad?
    Fused, the relu costs nothing. Split off, the convolution has to write integers, they are changed to
    floats, the relu runs by itself, and its output is changed back: slower than both ways of doing it right,
    and less exact than with the fused group, which has one rounding.

    ## Example
    ```yaml
    layer_settings:
      relu_1: # conv_1, before it, is quantized
        quantization_settings: {skip_quantization: true, skip_quantization_until: [conv_2]}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      conv_1:
        quantization_settings: {skip_quantization: true, skip_quantization_until: [conv_2]}
    ```
    """

    code = "CLK207"
    name = "skip-splits-fusion"
    severity = Severity.WARNING
    needs = (Need.PLAN, Need.LAYER_RULES)
    silences = ("CLK208",)

    VALID = (
        Valid(
            settings="layer_settings:\n  op:conv: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            about="a skipped head takes its group with it",
        ),
        Valid(
            settings="layer_settings:\n  max_pool_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=guide_network,
            about="nothing is fused with a pool",
        ),
        Valid(
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [linear_5]\n",
            graph=guide_network,
        ),
        Valid(
            settings="layer_settings:\n  block: {quantization_settings: {skip_quantization: true}}\n",
            graph=residual,
            about="the add begins a group of its own",
        ),
        Valid(
            settings="layer_settings:\n  linear_2:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [linear_4]\n"
            "  linear_3: {quantization_settings: {skip_quantization: false}}\n",
            graph=guide_network,
            about="conflicting-skip names the reason, the explicit false",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «relu_1»:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [conv_2]\n",
            graph=classifier,
            messages=(
                "rule 'relu_1' skips relu_1 but not conv_1, which the target computes together with it",
            ),
            nodes=(("conv_1", "relu_1"),),
        ),
        Invalid(
            settings='{"layer_settings": {«"op:relu"»: {"quantization_settings": {"skip_quantization": true}}}}',
            syntax="json",
            graph=classifier,
            messages=(
                "rule 'op:relu' skips relu_1 and relu_2 but not conv_1 and conv_2, which the target computes "
                "together with them",
            ),
            nodes=(("conv_1", "relu_1", "conv_2", "relu_2"),),
        ),
        Invalid(
            settings="layer_settings:\n"
            "  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  «'**.relu_*'»: {quantization_settings: {skip_quantization: true}}\n",
            graph=guide_network,
            messages=(
                "rule '**.relu_*' skips relu_2, relu_3, relu_4, relu_5 and 1 more but not conv_2, linear_1",
            ),
        ),
        Invalid(
            settings="[layer_settings.«relu_1».quantization_settings]\nskip_quantization = true\n",
            syntax="toml",
            graph=residual,
            messages=("rule 'relu_1' skips relu_1 but not conv_1, which the target computes",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Collect the layers that each rule splits off."""
        found: dict[int, list[tuple[str, str]]] = {}
        for position, causes in sorted(context.reach.causes.items()):
            node = context.graph.nodes[position]
            head = _head_without(context, position, node)
            if head is not None:
                found.setdefault(causes[0][0], []).append((head, node.name))
        for number, pairs in found.items():
            yield _finding(context, number, pairs)


def _head_without(context: Context, position: int, node: Node) -> str | None:
    """The quantized head whose group the layer would end, if no rule kept it float."""
    causes = context.plan[node.name].causes
    sources = context.wiring.sources[position]
    if not causes or any(cause.kind is not CauseKind.RULE for cause in causes):
        return None
    if len(node.inputs) != 1 or len(sources) != 1 or node.weights:
        return None
    before = context.graph[sources[0][0]]
    if before.kind is not NodeKind.LAYER or len(before.outputs) != 1:
        return None
    decision = context.plan[before.name]
    is_only_reader = len(context.wiring.readers[sources[0]]) == 1
    if decision.precision is not Precision.QUANTIZED or decision.group is None or not is_only_reader:
        return None
    head = context.plan[decision.group]
    is_fused = node.type in context.target.fusions.get(context.graph[head.name].type, ())
    return head.name if is_fused and not head.overridden else None


def _finding(context: Context, number: int, pairs: list[tuple[str, str]]) -> Finding:
    heads = tuple(head for head, _ in pairs)
    members = tuple(member for _, member in pairs)
    together = "it" if len(pairs) == 1 else "them"
    rule = context.reach.rules[number]
    return Finding(
        f"rule {rule.rule.selector!r} skips {listed(members)} but not {listed(heads)}, "
        f"which the target computes together with {together}",
        context.span_of(rule),
        nodes=tuple(name for pair in pairs for name in pair),
        help=f"skip {listed(heads)} as well, or leave {listed(members)} out",
    )

"""CLK211."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clika_core.diagnostics import Severity
from clika_core.frozen import frozen
from clika_core.ir.operators import is_weighted
from clika_core.planning.decision import Cause, CauseKind, Decision, Precision
from clika_core.planning.selectors import Specificity
from clika_core.planning.skip_rules import FIELDS, FieldWinner
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, guide_network, mixed_support
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import because, listed

_SKIP = "skip_quantization"
_ADVICE: Mapping[CauseKind, str] = {
    CauseKind.FLOAT_ONLY: "it computes integers, which are never quantized",
    CauseKind.UNSUPPORTED: "another target may have a kernel for it",
    CauseKind.TAIL: "or set skip_quantization: false to take it out of the tail",
    CauseKind.RULE: "or let the skip end before it",
    CauseKind.SENSITIVITY: "or set skip_quantization: false to quantize it in spite of its sensitivity",
    CauseKind.INHERITED: "or quantize the layers around it as well",
}


@frozen
class _Wish:
    """What a rule asks for in vain: the key that does, and what keeps the layers float."""

    rule: int
    key: str
    cause: Cause


class RequiredLayerStaysFloat(Rule):
    """A rule asks for a quantized layer, or for its bits, and the layer stays float.

    ## What it does
    Reports `skip_quantization: false` on layers that are float for a reason it does not override: the target has
    no kernel, the layer yields integers, or it takes its precision from float neighbours. Reports bits set for
    layers that stay float, for any reason. A rule that selects many layers (a glob, an operator type, a module)
    is reported only for weighted layers, or where it reaches nothing that is quantized. Bits that the target
    does not have are another finding.

    ## Why is this bad?
    The file says one thing and the model does another; who reads the file believes the layer is small and fast.

    ## Example
    ```yaml
    layer_settings:
      layer_norm_1: # the target computes it in floating point only
        quantization_settings: {skip_quantization: false}
    ```

    ## Use instead
    ```yaml
    layer_settings:
    ```
    """

    code = "CLK211"
    name = "required-layer-stays-float"
    severity = Severity.ERROR
    needs = (Need.PLAN, Need.LAYER_RULES)
    silences = ("CLK203", "CLK204", "CLK401")

    VALID = (
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
        ),
        Valid(
            settings="layer_settings:\n  linear_1: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            about="an explicit false overrides the tail",
        ),
        Valid(
            settings="layer_settings:\n  block: {quantization_settings: {skip_quantization: false}}\n",
            graph=mixed_support,
            about="a module with quantized layers, whose norm has no weight to quantize",
        ),
        Valid(
            settings="layer_settings:\n  op:linear: {quantization_settings: {weights_num_bits: 8}}\n",
            graph=guide_network,
            about="of many layers, one is in the tail",
        ),
        Valid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: false, "
            "weights_num_bits: 3}}\n",
            graph=classifier,
            about="only the bits are wrong for the target",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  layer_norm_1:\n    quantization_settings:\n"
            "      skip_quantization: «false»\n",
            graph=mixed_support,
            messages=(
                "rule 'layer_norm_1' asks for layer_norm_1 to be quantized, but it stays float because of "
                "the target (ort has no quantized kernel for layer_norm)",
            ),
            nodes=(("layer_norm_1",),),
        ),
        Invalid(
            settings='{"layer_settings": {"flatten_1": {"quantization_settings": '
            '{"skip_quantization": «false»}}}}',
            syntax="json",
            graph=mixed_support,
            messages=(
                "rule 'flatten_1' asks for flatten_1 to be quantized, but it stays float because of the "
                "layers around it (layer_norm_1)",
            ),
        ),
        Invalid(
            settings="layer_settings:\n  linear_1: {quantization_settings: {weights_num_bits: «8»}}\n",
            graph=classifier,
            messages=(
                "rule 'linear_1' sets weights_num_bits of linear_1, but it stays float because of the tail "
                "of output_1",
            ),
        ),
        Invalid(
            settings="layer_settings:\n  features.*:\n    quantization_settings:\n"
            "      skip_quantization: true\n      activations_num_bits: «8»\n",
            graph=classifier,
            messages=(
                "rule 'features.*' sets activations_num_bits of conv_1, relu_1, conv_2 and relu_2, but they "
                "stay float because of the rule 'features.*'",
            ),
        ),
        Invalid(
            settings="layer_settings:\n  op:argmax: {quantization_settings: {skip_quantization: «false»}}\n",
            graph=mixed_support,
            messages=(
                "rule 'op:argmax' asks for argmax_1 to be quantized, but it stays float because of its integer",
            ),
            about="nothing that the rule selects is quantized",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at the winning value of every field on every layer that stays float."""
        asked: set[tuple[int, str]] = set()
        for wish, layers in _wishes(context).items():
            new = [layer for layer in layers if (wish.rule, layer) not in asked]
            asked.update((wish.rule, layer) for layer in new)
            if new:
                yield _finding(context, wish, new)


def _wishes(context: Context) -> dict[_Wish, list[str]]:
    """What is asked for in vain, with the layers; skip_quantization before the bits."""
    found: dict[_Wish, list[str]] = {}
    useful = _rules_of_quantized_layers(context)
    for key in FIELDS:
        for position, winner in sorted(context.reach.fields[key].items()):
            decision = context.plan[context.graph.nodes[position].name]
            if decision.precision is not Precision.FLOAT or (key == _SKIP and winner.value is not False):
                continue
            if _is_meant(context, winner, position, useful, key) and not _are_bits_at_fault(
                context, decision
            ):
                found.setdefault(_Wish(winner.rule, key, decision.causes[0]), []).append(decision.name)
    return found


def _rules_of_quantized_layers(context: Context) -> set[int]:
    """The rules that decide a field of a layer that is quantized."""
    quantized = {context.graph.index[name] for name in context.plan.quantized}
    winners = (context.reach.fields[key].items() for key in FIELDS)
    return {winner.rule for items in winners for position, winner in items if position in quantized}


def _is_meant(context: Context, winner: FieldWinner, position: int, useful: set[int], key: str) -> bool:
    """Whether the rule means this layer, and not merely a crowd that it belongs to."""
    if context.reach.rules[winner.rule].matches[position] >= Specificity.PATH or winner.rule not in useful:
        return True
    return key == _SKIP and is_weighted(context.graph.nodes[position])


def _are_bits_at_fault(context: Context, decision: Decision) -> bool:
    """Whether the target would compute the layer in integers at the usual 8 bits."""
    is_unsupported = decision.causes[0].kind is CauseKind.UNSUPPORTED
    return is_unsupported and context.target.support(context.graph, context.graph[decision.name]) is None


def _finding(context: Context, wish: _Wish, layers: list[str]) -> Finding:
    rule = context.reach.rules[wish.rule]
    stay = "it stays" if len(layers) == 1 else "they stay"
    asks = f"asks for {listed(layers)} to be quantized"
    if wish.key != _SKIP:
        asks = f"sets {wish.key} of {listed(layers)}"
    return Finding(
        f"rule {rule.rule.selector!r} {asks}, but {stay} float because of {because(wish.cause)}",
        context.place_of(rule).value_span(wish.key),
        nodes=tuple(layers),
        help=f"remove {wish.key}; {_ADVICE[wish.cause.kind]}",
    )

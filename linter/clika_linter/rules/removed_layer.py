"""CLK210."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_core.diagnostics import Severity
from clika_core.planning.skip_rules import ResolvedRule
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, guide_network, with_norm
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.mentions import Mention
from clika_linter.ranges import has_range
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class RemovedLayer(Rule):
    """A rule names layers that preprocessing removes.

    ## What it does
    Reports rules that select nothing but dropouts, and batch norms that are folded into the layer before them;
    and ranges that begin at such a batch norm, because the layer that computes it lies outside. A range may
    begin or end at a dropout, and end at a folded batch norm.

    ## Why is this bad?
    The layer is not there when precision is decided. A batch norm becomes part of the weights of its host: to
    keep it float, the host has to be skipped.

    ## Example
    ```yaml
    layer_settings:
      batch_norm_1: # folded into conv_1
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      conv_1:
        quantization_settings: {skip_quantization: true}
    ```

    ## Fix safety
    Safe where it removes a rule that has no effect. Unsafe where it names the host of a batch norm instead:
    the rule then begins to have one.
    """

    code = "CLK210"
    name = "removed-layer"
    severity = Severity.WARNING
    needs = (Need.GRAPH, Need.LAYER_RULES)
    fix = Safety.UNSAFE
    silences = ("CLK204", "CLK209")
    holds_for_every_graph = True

    VALID = (
        Valid(
            settings="layer_settings:\n  stem: {quantization_settings: {skip_quantization: true}}\n",
            graph=with_norm,
            about="a module with a batch norm in it",
        ),
        Valid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_until: [batch_norm_1]\n",
            graph=with_norm,
            about="a range may end at a batch norm: its host lies in it",
        ),
        Valid(
            settings="layer_settings:\n  dropout_1:\n    quantization_settings:\n      skip_quantization: true\n"
            "      skip_quantization_downstream: true\n",
            graph=with_norm,
            about="a range may begin at a dropout, which computes nothing",
        ),
        Valid(
            settings="layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [dropout_2]\n",
            graph=guide_network,
        ),
        Valid(
            settings="layer_settings:\n  op:dropout: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            about="the model has none: another finding",
        ),
    )
    INVALID = (
        Invalid(
            settings="layer_settings:\n  «batch_norm_1»: # sensitive\n    quantization_settings:\n"
            "      skip_quantization: true\n",
            graph=with_norm,
            messages=("rule 'batch_norm_1' has no effect: batch_norm_1 is folded into conv_1",),
            nodes=(("batch_norm_1",),),
            fixed="layer_settings:\n  conv_1: # sensitive\n    quantization_settings:\n"
            "      skip_quantization: true\n",
        ),
        Invalid(
            settings='{"layer_settings": {\n  «"op:dropout"»: {"quantization_settings": '
            '{"skip_quantization": true}},\n  "neck": {"quantization_settings": {"skip_quantization": true}}\n}}',
            syntax="json",
            graph=with_norm,
            messages=("rule 'op:dropout' has no effect: preprocessing removes dropout_1",),
            fixed='{"layer_settings": {\n  "neck": {"quantization_settings": {"skip_quantization": true}}\n}}',
        ),
        Invalid(
            settings="layer_settings:\n  «stem.norm»:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [relu_1]\n",
            graph=with_norm,
            messages=("rule 'stem.norm' leaves conv_1 out, into which its beginning batch_norm_1 is folded",),
            fixed="layer_settings:\n  conv_1:\n    quantization_settings:\n"
            "      skip_quantization: true\n      skip_quantization_until: [relu_1]\n",
        ),
        Invalid(
            settings="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n"
            "  «batch_norm_1»: {quantization_settings: {skip_quantization: true}}\n",
            graph=with_norm,
            messages=("rule 'batch_norm_1' has no effect: batch_norm_1 is folded into conv_1",),
            fixed="layer_settings:\n  conv_1: {quantization_settings: {skip_quantization: true}}\n",
            about="the host has a rule already",
        ),
        Invalid(
            settings="[layer_settings.«dropout_3».quantization_settings]\nskip_quantization = true\n",
            syntax="toml",
            graph=guide_network,
            messages=("rule 'dropout_3' has no effect: preprocessing removes dropout_3",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at rules all of whose selected layers are removed."""
        removed = context.wiring.removed
        taken = set(context.places.rules)
        for _, rule in context.rules():
            layers = tuple(context.graph.nodes[position].name for position in sorted(rule.matches))
            if not all(name in removed for name in layers):
                continue
            hosts = tuple(dict.fromkeys(host for name in layers if (host := removed[name])))
            folded = tuple(name for name in layers if removed[name])
            left_out = _left_out(context, rule, hosts)
            if left_out or not has_range(rule):
                yield Finding(
                    _message(rule, folded or layers, hosts, left_out),
                    context.span_of(rule),
                    nodes=layers,
                    help=f"name {listed(hosts)} instead" if hosts else "remove the rule",
                    fix=_fix(context, rule, hosts, taken),
                )


def _left_out(context: Context, rule: ResolvedRule, hosts: Sequence[str]) -> list[str]:
    """The hosts that no rule skips although a range begins at their batch norms; none for a rule without range."""
    if not has_range(rule):
        return []
    return [host for host in hosts if context.graph.index[host] not in context.reach.causes]


def _message(rule: ResolvedRule, layers: Sequence[str], hosts: Sequence[str], left_out: Sequence[str]) -> str:
    name = repr(rule.rule.selector)
    are = "are" if len(layers) > 1 else "is"
    if left_out:
        return f"rule {name} leaves {listed(left_out)} out, into which its beginning {listed(layers)} {are} folded"
    if hosts:
        return f"rule {name} has no effect: {listed(layers)} {are} folded into {listed(hosts)}"
    return f"rule {name} has no effect: preprocessing removes {listed(layers)}"


def _fix(context: Context, rule: ResolvedRule, hosts: Sequence[str], taken: set[str]) -> Fix | None:
    """Name the one host; remove a rule without effect where there is none, or where it has a rule already."""
    if len(hosts) == 1 and hosts[0] not in taken:
        edits = Mention(rule.rule).renamed(context, hosts[0])
        if edits:
            taken.add(hosts[0])
        return Fix(f"name {hosts[0]}", edits, Safety.UNSAFE) if edits else None
    edits = None if has_range(rule) or len(hosts) > 1 else context.editor.remove_rule(rule.rule.selector)
    return Fix("remove the rule", edits) if edits else None

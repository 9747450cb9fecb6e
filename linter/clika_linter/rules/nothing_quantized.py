"""CLK103."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.operators import is_weighted
from clika_core.planning.decision import Precision
from clika_linter.bits import is_lost_to_bits
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.contributions import contributions
from clika_linter.example_graphs import classifier, residual, tagger, two_heads, unweighted
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule


class NothingQuantized(Rule):
    """No layer with a weight is quantized.

    ## What it does
    Reports a plan in which every layer with a weight stays float, and what keeps how many of them float.

    ## Why is this bad?
    Weights are what quantization makes smaller and faster. A run with such a plan takes its time and ends with the
    model it began with.

    ## Example
    ```yaml
    layer_settings:
      "re:.*": # meant as re:head.*
        quantization_settings: {skip_quantization: true}
    ```

    ## Use instead
    ```yaml
    layer_settings:
      "re:head.*":
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK103"
    name = "nothing-quantized"
    severity = Severity.ERROR
    needs = (Need.PLAN,)
    silences = ("CLK104",)

    VALID = (
        Valid(settings="", graph=classifier),
        Valid(
            settings="layer_settings: {conv_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=classifier,
        ),
        Valid(
            settings="layer_settings:\n"
            "  op:conv: {quantization_settings: {skip_quantization: true}}\n"
            "  conv_2: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            about="one layer is taken out of the rule",
        ),
        Valid(settings="", graph=tagger, about="the target runs one of its layers"),
        Valid(
            settings="global_quantization_settings: {weights_num_bits: 4}\n",
            graph=classifier,
            about="the bits are wrong (CLK402); what is quantized shows when they are right",
        ),
    )
    INVALID = (
        Invalid(
            settings='layer_settings:\n  «"re:.*"»: {quantization_settings: {skip_quantization: true}}\n',
            graph=classifier,
            messages=("no layer with a weight is quantized: rule 're:.*' keeps 3 of 3 float, the tail 1",),
        ),
        Invalid(
            settings='{"layer_settings": {«"conv_1"»: {"quantization_settings": '
            '{"skip_quantization": true, "skip_quantization_downstream": true}}}}',
            syntax="json",
            graph=residual,
            messages=("no layer with a weight is quantized: rule 'conv_1' keeps 4 of 4 float, the tail 1",),
        ),
        Invalid(
            settings="layer_settings:\n  backbone: {quantization_settings: {skip_quantization: true}}\n",
            graph=two_heads,
            messages=("no layer with a weight is quantized: the tail keeps 2 of 3 float, rule 'backbone' 1",),
        ),
        Invalid(
            settings="global_quantization_settings:\n  quantization_sensitivity_threshold: «0.01»\n"
            "  skip_tail_quantization: false\n",
            graph=two_heads,
            report={
                "layers": [{"name": name, "qs": 0.5} for name in ("conv_1", "relu_1", "linear_1", "linear_2")]
            },
            messages=("no layer with a weight is quantized: the sensitivity threshold keeps 3 of 3 float",),
        ),
        Invalid(
            settings="",
            graph=unweighted,
            messages=("no layer with a weight is quantized: there is none",),
            about="CLK105 says it better and silences this",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Count the weighted layers by what keeps them float."""
        names = [node.name for node in context.graph.layers if is_weighted(node)]
        decisions = [context.plan[name] for name in names]
        if any(d.precision is Precision.QUANTIZED or is_lost_to_bits(context, d.name) for d in decisions):
            return
        found = contributions(decisions, dict.fromkeys(names, 1))
        of = f" of {len(names)} float"
        parts = [f"{each.words} keeps {each.cost}{of}" for each in found[:1]]
        parts += [f"{each.words} {each.cost}" for each in found[1:3]]
        yield Finding(
            f"no layer with a weight is quantized: {', '.join(parts) or 'there is none'}",
            found[0].span(context.places) if found else None,
            help=found[0].remedy if found else None,
        )

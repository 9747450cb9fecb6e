"""CLK105."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.operators import is_weighted
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import attention_only, classifier, tagger, unweighted
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class NoWeightedLayer(Rule):
    """The model has no layer with a weight.

    ## What it does
    Reports graphs without a layer that multiplies by a parameter, or looks one up.

    ## Why is this bad?
    There is nothing to quantize, so something else than the model was traced: a loss, a post-processing
    function, or a model whose weights came in as inputs.

    ## Example
    A graph of `softmax(relu(x))`.

    ## Use instead
    A graph of the whole model, traced with its parameters inside.
    """

    code = "CLK105"
    name = "no-weighted-layer"
    severity = Severity.ERROR
    needs = (Need.GRAPH,)
    silences = ("CLK101", "CLK103")

    VALID = (
        Valid(graph=classifier),
        Valid(graph=tagger),
        Valid(settings="", about="without a graph there is nothing to say"),
    )
    INVALID = (
        Invalid(graph=unweighted, messages=("the graph has no layer with a weight: only relu and softmax",)),
        Invalid(
            settings="layer_settings: {relu_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=unweighted,
            messages=("the graph has no layer with a weight",),
        ),
        Invalid(
            graph=attention_only,
            messages=("the graph has no layer with a weight: only matmul and softmax",),
            about="a product of two values that depend on inputs has no weight",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look for one layer with the trait."""
        if any(is_weighted(node) for node in context.graph.layers):
            return
        types = sorted({node.type for node in context.graph.layers})
        yield Finding(
            f"the graph has no layer with a weight: {'only ' + listed(types) if types else 'it has no layer'}",
            help="trace the model itself, with its parameters inside",
        )

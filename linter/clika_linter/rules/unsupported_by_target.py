"""CLK401."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.graph import Node
from clika_core.ir.operators import is_weighted
from clika_core.planning.decision import CauseKind
from clika_linter.bits import reason_at_supported_bits
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, decoder, tagger
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed, percent

_ORT = "deployment_settings: {target_framework: «ort»}\n"
_ELSEWHERE = frozenset({CauseKind.TAIL, CauseKind.RULE})


class UnsupportedByTarget(Rule):
    """The target cannot run a layer with a weight quantized.

    ## What it does
    Reports weighted layers for which the deployment target has no quantized kernel, with the reason and what they
    are of the model. A warning where the file names the target and the layers multiply; an info where the target
    is the default one, or the layers only look weights up. Layers that the tail or a rule keeps float are left out.

    ## Why is this bad?
    The layer stays float, with all its weight, and two conversions around it.

    ## Example
    ```yaml
    deployment_settings:
      target_framework: ort # has no quantized kernel for conv_transpose
    ```

    ## Use instead
    A target that has one, or layers that the target knows: `resize_nearest` and `conv` for `conv_transpose`.
    """

    code = "CLK401"
    name = "unsupported-by-target"
    severity = Severity.WARNING
    needs = (Need.PLAN,)

    VALID = (
        Valid(settings="deployment_settings: {target_framework: ort}\n", graph=classifier),
        Valid(
            settings="layer_settings: {conv_transpose_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=decoder,
            about="the user knows",
        ),
        Valid(
            settings="global_quantization_settings: {weights_num_bits: 4}\n",
            graph=classifier,
            about="that is for the bits (CLK402), not for the layers",
        ),
        Valid(settings="deployment_settings: {target_framework: ort}\n"),
    )
    INVALID = (
        Invalid(
            settings=_ORT,
            graph=decoder,
            messages=(
                "conv_transpose_1 stays float: ort has no quantized kernel for conv_transpose; "
                "62 % of the multiply-accumulates",
            ),
            nodes=(("conv_transpose_1",),),
            severities=("warning",),
        ),
        Invalid(
            settings="",
            graph=tagger,
            messages=(
                "embedding_1 stays float: ort has no quantized kernel for embedding; 40 % of the weight bytes",
                "lstm_1 stays float: ort has no quantized kernel for lstm; 86 % of the multiply-accumulates",
            ),
            severities=("info", "info"),
        ),
        Invalid(
            settings=_ORT + "layer_settings: {lstm_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=tagger,
            messages=("embedding_1 stays float",),
            severities=("info",),
            about="it multiplies nothing",
        ),
        Invalid(
            settings="",
            graph=decoder,
            messages=("conv_transpose_1 stays float",),
            severities=("info",),
            about="the file says nothing of the target",
        ),
        Invalid(
            settings='{"deployment_settings": {"target_framework": «"ort"»}}',
            syntax="json",
            graph=decoder,
            messages=("conv_transpose_1 stays float",),
            severities=("warning",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """One finding for each reason."""
        by_reason: dict[str, list[str]] = {}
        for node in context.graph.layers:
            reason = _reason(context, node)
            if reason:
                by_reason.setdefault(reason, []).append(node.name)
        span = context.places.value_span("deployment_settings", "target_framework")
        for reason, names in by_reason.items():
            macs = context.costs.share_of_multiply_accumulates(names)
            share = context.costs.share_of_weight_bytes(names)
            of = (
                f"{percent(macs)} of the multiply-accumulates"
                if macs
                else f"{percent(share)} of the weight bytes"
            )
            verb = "stays" if len(names) == 1 else "stay"
            yield Finding(
                f"{listed(names)} {verb} float: {reason}; {of}",
                span,
                nodes=tuple(names),
                help="choose another target, or another layer in its place",
                severity=Severity.WARNING if macs and span else Severity.INFO,
            )


def _reason(context: Context, node: Node) -> str | None:
    """Why the target cannot run a weighted layer with any of its bits, unless the layer was to be float anyway."""
    if not is_weighted(node):
        return None
    kinds = {cause.kind for cause in context.plan[node.name].causes}
    if CauseKind.UNSUPPORTED not in kinds or kinds & _ELSEWHERE:
        return None
    return reason_at_supported_bits(context.target, context.graph, node)

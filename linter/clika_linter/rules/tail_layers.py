"""CLK101."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clika_core.diagnostics import Severity
from clika_core.planning.decision import CauseKind
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, residual, two_heads
from clika_linter.finding import Finding
from clika_linter.option import Option
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed, percent

_SECTION = "global_quantization_settings"
_MAX_OUTPUTS = 4  # that a message lists
_KEEP_BOTH = "global_quantization_settings: {skip_tail_quantization: «true»}\n"


class TailLayers(Rule):
    """The tail keeps layers float.

    ## What it does
    Says which layers the tail of each output keeps float, and what share of the model's multiply-accumulates they
    are. A warning where several outputs have a tail and their share is above `max-share`, 20 % by default.

    ## Why is this bad?
    It is not bad for a classifier or a detector, where the last layers are few and sensitive. But where caches or
    hidden states are among the outputs, nearly every block is the tail of one of them.

    ## Example
    A decoder that also returns its caches, with `skip_tail_quantization` left at its default.

    ## Use instead
    ```yaml
    global_quantization_settings:
      skip_tail_quantization: [logits]
    ```
    """

    code = "CLK101"
    name = "tail-layers"
    severity = Severity.INFO
    needs = (Need.PLAN,)

    max_share = Option(
        Number(minimum=0),
        0.2,
        "Share of multiply-accumulates above which the tails of several outputs are a warning.",
    )

    VALID = (
        Valid(settings="global_quantization_settings: {skip_tail_quantization: false}\n", graph=classifier),
        Valid(
            settings="layer_settings: {linear_1: {quantization_settings: {skip_quantization: false}}}\n",
            graph=classifier,
            about="the rule takes the only layer out of the tail",
        ),
        Valid(settings="", about="without a graph there is nothing to say"),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=classifier,
            messages=("the tail of output_1 keeps linear_1 float, 0.2 % of the multiply-accumulates",),
            nodes=(("linear_1",),),
            severities=("info",),
        ),
        Invalid(
            settings=_KEEP_BOTH,
            graph=two_heads,
            messages=(
                "the tails of 2 outputs keep 2 layers float, 64 % of the multiply-accumulates: "
                "linear_1 for output_1; linear_2 for output_2",
            ),
            nodes=(("linear_1", "linear_2"),),
            severities=("warning",),
        ),
        Invalid(
            settings=_KEEP_BOTH,
            graph=two_heads,
            options={"max-share": 0.7},
            messages=("the tails of 2 outputs keep 2 layers float",),
            severities=("info",),
        ),
        Invalid(
            settings='{"global_quantization_settings": {"skip_tail_quantization": «[»"output_2"]}}',
            syntax="json",
            graph=two_heads,
            messages=("the tail of output_2 keeps linear_2 float, 45 % of the multiply-accumulates",),
            severities=("info",),
            about="one output, chosen: there is nothing to narrow",
        ),
        Invalid(
            settings="layer_settings: {conv_3: {quantization_settings: {skip_quantization: true}}}\n",
            graph=residual,
            messages=("the tail of output_1 keeps linear_1 float",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Collect the layers with the cause `tail`, by output."""
        by_output: dict[str, list[str]] = {}
        layers: list[str] = []
        for decision in context.plan.decisions:
            outputs = [out for cause in decision.causes if cause.kind is CauseKind.TAIL for out in cause.of]
            layers += [decision.name] if outputs else []
            for output in outputs:
                by_output.setdefault(output, []).append(decision.name)
        if not layers:
            return
        share = context.costs.share_of_multiply_accumulates(layers)
        is_wide = len(by_output) > 1 and share > self.max_share
        yield Finding(
            _message(by_output, len(layers), share),
            context.places.value_span(_SECTION, "skip_tail_quantization"),
            nodes=tuple(layers),
            help="list the outputs whose tails are to stay float under skip_tail_quantization"
            if is_wide
            else "what comes last before an output stays float, for accuracy; skip_tail_quantization changes that",
            severity=Severity.WARNING if is_wide else Severity.INFO,
        )


def _message(by_output: Mapping[str, list[str]], num_layers: int, share: float) -> str:
    cost = f"float, {percent(share)} of the multiply-accumulates"
    if len(by_output) == 1:
        (output, layers) = next(iter(by_output.items()))
        return f"the tail of {output} keeps {listed(layers)} {cost}"
    shown = [f"{listed(layers)} for {output}" for output, layers in list(by_output.items())[:_MAX_OUTPUTS]]
    more = len(by_output) - len(shown)
    shown += [f"and {more} more output{'s' * (more > 1)}"] if more else []
    return f"the tails of {len(by_output)} outputs keep {num_layers} layers {cost}: {'; '.join(shown)}"

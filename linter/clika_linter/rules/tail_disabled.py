"""CLK102."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.operators import Trait
from clika_core.planning.decision import Precision
from clika_core.planning.tail import tails
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, two_heads
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed

_SECTION = "global_quantization_settings"
_OFF = "global_quantization_settings:\n  skip_tail_quantization: «false»\n"
_OFF_UNMARKED = _OFF.replace("«", "").replace("»", "")


class TailDisabled(Rule):
    """Skipping of the tail is turned off.

    ## What it does
    Reports `skip_tail_quantization: false`, with the weighted layers that are quantized for it where a graph is
    known. Silent where rules or the target keep these layers float all the same.

    ## Why is this bad?
    The last layers make the model's result: their error reaches it undamped, and they are cheap. For most
    models, quantizing them costs accuracy and saves next to nothing.

    ## Example
    ```yaml
    global_quantization_settings:
      skip_tail_quantization: false
    ```

    ## Use instead
    ```yaml
    global_quantization_settings:
      skip_tail_quantization: null
    ```
    """

    code = "CLK102"
    name = "tail-disabled"
    severity = Severity.WARNING
    needs = (Need.SETTINGS,)

    VALID = (
        Valid(settings="global_quantization_settings: {skip_tail_quantization: true}\n"),
        Valid(settings="global_quantization_settings: {skip_tail_quantization: null}\n"),
        Valid(
            settings="global_quantization_settings: {skip_tail_quantization: [output_1]}\n",
            graph=two_heads,
            about="a tail for some outputs is a choice",
        ),
        Valid(
            settings=_OFF_UNMARKED
            + "layer_settings: {linear_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=classifier,
            about="a rule keeps the tail float",
        ),
    )
    INVALID = (
        Invalid(settings=_OFF, messages=("the tail is not skipped",)),
        Invalid(
            settings=_OFF,
            graph=two_heads,
            messages=("the tail is not skipped: linear_1 and linear_2 are quantized",),
            nodes=(("linear_1", "linear_2"),),
        ),
        Invalid(
            settings='{"global_quantization_settings": {"skip_tail_quantization": «false»}}',
            syntax="json",
            graph=classifier,
            messages=("the tail is not skipped: linear_1 is quantized",),
        ),
        Invalid(
            settings=_OFF
            + "layer_settings: {linear_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=two_heads,
            messages=("the tail is not skipped: linear_2 is quantized",),
            nodes=(("linear_2",),),
        ),
        Invalid(
            settings="[global_quantization_settings]\nskip_tail_quantization = false\n",
            syntax="toml",
            messages=("the tail is not skipped",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at the setting, and at what it does where that can be told."""
        if context.settings.global_quantization_settings.skip_tail_quantization is not False:
            return
        layers = _quantized_tail(context) if context.has_graph and context.target_error is None else None
        if layers == ():
            return
        verb = "is" if layers and len(layers) == 1 else "are"
        yield Finding(
            f"the tail is not skipped: {listed(layers)} {verb} quantized"
            if layers
            else "the tail is not skipped: the last layers before each output are quantized too",
            context.places.value_span(_SECTION, "skip_tail_quantization"),
            nodes=layers or (),
            help="remove the line, or list the outputs that need a tail",
        )


def _quantized_tail(context: Context) -> tuple[str, ...]:
    """The weighted layers of the tail that would be, if they are quantized."""
    graph, traits = context.graph, context.wiring.traits
    positions = sorted(tails(graph, tuple(node.name for node in graph.outputs)))
    names = [graph.nodes[position].name for position in positions if traits[position] is Trait.WEIGHTED]
    return tuple(name for name in names if context.plan[name].precision is Precision.QUANTIZED)

"""CLK402."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.graph import Node
from clika_core.ir.operators import is_weighted
from clika_linter.bits import (
    OPERANDS,
    BitsPlace,
    is_lost_to_bits,
    reason_at_supported_bits,
    unsupported_bits,
    widths,
)
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, decoder
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class BitsUnsupportedByTarget(Rule):
    """The target has no kernels for these bits, or for weights in groups.

    ## What it does
    Compares `weights_num_bits` and `activations_num_bits`, of the whole model and of rules, and
    `weights_group_size` with what the deployment target has. With a graph, it names the layers that stay float
    for it.

    ## Why is this bad?
    A layer with bits that the target does not have is not quantized at all: asking for fewer bits gives 32.

    ## Example
    ```yaml
    deployment_settings:
      target_framework: ort
    global_quantization_settings:
      weights_num_bits: 4
    ```

    ## Use instead
    ```yaml
    deployment_settings:
      target_framework: ort
    global_quantization_settings:
      weights_num_bits: 8
    ```
    """

    code = "CLK402"
    name = "bits-unsupported-by-target"
    severity = Severity.ERROR
    needs = (Need.SETTINGS,)
    silences = ("CLK204", "CLK211")  # a rule may matter again once the bits are right

    VALID = (
        Valid(settings=""),
        Valid(settings="global_quantization_settings: {weights_num_bits: 8, activations_num_bits: 8}\n"),
        Valid(
            settings="layer_settings: {conv_1: {quantization_settings: {weights_num_bits: 8}}}\n",
            graph=classifier,
        ),
        Valid(
            settings="layer_settings: {conv_9: {quantization_settings: {weights_num_bits: 4}}}\n",
            graph=classifier,
            about="no layer gets these bits",
        ),
        Valid(
            settings="deployment_settings: {target_framework: simulation}\n"
            "global_quantization_settings: {weights_group_size: 32}\n",
            graph=classifier,
            about="a target that has groups",
        ),
        Valid(
            settings="deployment_settings: {target_framework: my_target}\n"
            "global_quantization_settings: {weights_num_bits: 4}\n",
            about="a target that is not installed here",
        ),
    )
    INVALID = (
        Invalid(
            settings="global_quantization_settings:\n  weights_num_bits: «4»\n",
            messages=("ort has no 4-bit weights",),
        ),
        Invalid(
            settings="global_quantization_settings:\n  weights_num_bits: «4»\n",
            graph=classifier,
            messages=("ort has no 4-bit weights: conv_1, conv_2 and linear_1 stay float for it",),
            nodes=(("conv_1", "conv_2", "linear_1"),),
        ),
        Invalid(
            settings='{"layer_settings": {"op:conv": {"quantization_settings": '
            '{"weights_num_bits": «4», "activations_num_bits": «16»}}}}',
            syntax="json",
            graph=classifier,
            messages=(
                "ort has no 4-bit weights: conv_1 and conv_2 stay float for it",
                "ort has no 16-bit activations: conv_1 and conv_2 stay float for it",
            ),
        ),
        Invalid(
            settings="global_quantization_settings:\n  weights_group_size: «64»\n",
            graph=classifier,
            messages=(
                "ort has no kernels for weights in groups of 64: conv_1, conv_2 and linear_1 stay float for it",
            ),
            nodes=(("conv_1", "conv_2", "linear_1"),),
        ),
        Invalid(
            settings="layer_settings:\n  conv_transpose_1: {quantization_settings: {weights_num_bits: «4»}}\n",
            graph=decoder,
            messages=("ort has no 4-bit weights",),
            nodes=(("conv_transpose_1",),),
            about="the layer has no kernel at any bits",
        ),
        Invalid(
            settings="[layer_settings.relu_1.quantization_settings]\nactivations_num_bits = 4\n",
            syntax="toml",
            graph=classifier,
            messages=("ort has no 4-bit activations: relu_1 stays float for it",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at every place that sets bits, then at the size of groups."""
        if context.target_error is not None:
            return
        yield from self._bits(context)
        yield from self._groups(context)

    def _groups(self, context: Context) -> Iterator[Finding]:
        target = context.target
        size, sizes = target.weight_group_size, target.group_sizes
        if size is None or size in sizes:
            return
        lost = _lost_to_groups(context) if context.has_graph else ()
        verb = "stays" if len(lost) == 1 else "stay"
        yield Finding(
            f"{target.name} has no kernels for weights in groups of {size}"
            + (f": {listed(lost)} {verb} float for it" if lost else ""),
            context.places.value_span("global_quantization_settings", "weights_group_size"),
            nodes=lost,
            help=f"it has groups of {' or '.join(map(str, sizes))}" if sizes else "remove the setting",
        )

    def _bits(self, context: Context) -> Iterator[Finding]:
        for place in unsupported_bits(context):
            if place.layers == ():
                continue
            lost = tuple(name for name in place.layers or () if _is_lost(context, name, place))
            verb = "stays" if len(lost) == 1 else "stay"
            operand, supported = OPERANDS[place.key], widths(context.target, place.key)
            yield Finding(
                f"{context.target.name} has no {place.bits}-bit {operand}"
                + (f": {listed(lost)} {verb} float for it" if lost else ""),
                place.span,
                nodes=lost or place.layers or (),
                help=f"it has {' or '.join(map(str, supported)) or 'no'} bits for {operand}",
            )


def _lost_to_groups(context: Context) -> tuple[str, ...]:
    """The layers with weights that the target would run with their bits, if it were not for the groups."""
    return tuple(
        node.name
        for node in context.graph.layers
        if is_weighted(node)
        and is_lost_to_bits(context, node.name)
        and reason_at_supported_bits(context.target, context.graph, node, _bits_of(context, node)) is None
    )


def _bits_of(context: Context, node: Node) -> dict[str, int]:
    decision = context.plan[node.name]
    return {key: getattr(decision, key) for key in OPERANDS}


def _is_lost(context: Context, name: str, place: BitsPlace) -> bool:
    """Whether a layer stays float for these bits, those of weights or those of activations."""
    asked = {place.key: place.bits}
    return (
        is_lost_to_bits(context, name)
        and reason_at_supported_bits(context.target, context.graph, context.graph[name], asked) is not None
    )

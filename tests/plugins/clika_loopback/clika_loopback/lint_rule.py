"""LOOP001: a lint rule as a stranger writes it. `docs/how-to/write-a-lint-rule.md` explains how."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clika_core.diagnostics import Severity
from clika_core.ir.operators import is_weighted
from clika_core.planning.decision import Precision
from clika_core.schemes import PerTensor
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.finding import Finding
from clika_linter.option import Option
from clika_linter.rule import Need, Rule

if TYPE_CHECKING:
    from clika_core.testing.builder import GraphBuilder


def wide_product(g: GraphBuilder) -> None:
    """matmul_1 with 512 channels, for which onnxruntime has one scale; then linear_1, the tail."""
    h = g.layer("matmul", g.input("x", ("d0", 8)), weights={"other": (8, 512)})
    g.output(g.layer("linear", g.layer("relu", h), weight=(10, 512)))


def narrow_product(g: GraphBuilder) -> None:
    """matmul_1 with 16 channels, then linear_1, the tail."""
    h = g.layer("matmul", g.input("x", ("d0", 8)), weights={"other": (8, 16)})
    g.output(g.layer("linear", g.layer("relu", h), weight=(10, 16)))


class OneScaleForManyChannels(Rule):
    """A weight with many output channels has a single scale.

    ## What it does
    Reports layers that the plan quantizes, whose weight has more than `max-channels` (256) output channels and,
    on this target, one scale for all of them.

    ## Why is this bad?
    The largest channel sets the scale. With many channels there nearly always is one that is much larger than the
    others, and these are left with a few codes.

    ## Example
    A matrix product with 512 output channels, for a target that quantizes its weight per tensor.

    ## Use instead
        layer_settings:
          matmul_1:
            quantization_settings:
              skip_quantization: true
    """

    code = "LOOP001"
    name = "one-scale-for-many-channels"
    severity = Severity.INFO
    needs = (Need.PLAN,)
    max_channels = Option(Number(minimum=1), 256, "Output channels that may share a scale.")

    VALID = (
        Valid(settings="", graph=narrow_product),
        Valid(
            settings="layer_settings: {matmul_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=wide_product,
        ),
        Valid(settings="", graph=wide_product, options={"max-channels": 512}),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=wide_product,
            messages=("matmul_1 has one scale for 512 channels",),
            nodes=(("matmul_1",),),
        ),
        Invalid(
            settings="",
            graph=narrow_product,
            options={"max-channels": 8},
            messages=("matmul_1 has one scale for 16 channels",),
        ),
        Invalid(
            settings="layer_settings: {relu_1: {quantization_settings: {activations_num_bits: 8}}}\n",
            graph=wide_product,
            messages=("matmul_1 has one scale for 512 channels",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look at the scheme that the target has for the weight of every quantized layer."""
        for decision in context.plan.decisions:
            node = context.graph[decision.name]
            if decision.precision is not Precision.QUANTIZED or not is_weighted(node):
                continue
            channels = node.outputs[0].example_shape[-1 if node.type in ("matmul", "linear") else 1]
            granularity = context.target.weight_scheme(node).granularity
            if isinstance(granularity, PerTensor) and channels > self.max_channels:
                yield Finding(
                    f"{node.name} has one scale for {channels} channels",
                    nodes=(node.name,),
                    help=f"skip {node.name}, or choose a target that has a scale for each channel",
                )

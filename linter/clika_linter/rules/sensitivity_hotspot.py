"""CLK301."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.decision import Precision
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.option import Option
from clika_linter.rule import Need, Rule

_SKIP_CONV_2 = "layer_settings:\n  conv_2:\n    quantization_settings:\n      skip_quantization: true\n"


class SensitivityHotspot(Rule):
    """A layer is quantized although its measured sensitivity is extreme.

    ## What it does
    Reports quantized layers whose QS in the report is above `max-qs`, 10,000 by default.

    ## Why is this bad?
    QS is the relative error that quantization adds to a layer's output. Above this limit the output has
    nothing to do with the original any more, and neither has what the model computes from it.

    ## Example
    The report says QS 25,000 for `conv_2`, and no rule mentions it.

    ## Use instead
    ```yaml
    layer_settings:
      conv_2:
        quantization_settings:
          skip_quantization: true
    ```

    ## Fix safety
    Unsafe: the layer stays float, which costs size and speed.
    """

    code = "CLK301"
    name = "sensitivity-hotspot"
    severity = Severity.WARNING
    needs = (Need.PLAN, Need.REPORT)
    fix = Safety.UNSAFE
    silences = ("CLK302",)

    max_qs = Option(Number(minimum=0), 10_000.0, "QS above which a quantized layer is reported.")

    VALID = (
        Valid(settings="", graph=classifier, report={"layers": [{"name": "conv_2", "qs": 0.02}]}),
        Valid(
            settings=_SKIP_CONV_2,
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 25_000.0}]},
            about="it is skipped already",
        ),
        Valid(
            settings="",
            graph=classifier,
            report={"layers": [{"name": "linear_1", "qs": 25_000.0}]},
            about="the tail is float",
        ),
        Valid(settings="", graph=classifier, report={"layers": [{"name": "conv_1", "qs": None}]}),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 25_000.0}]},
            messages=("conv_2 is quantized with a sensitivity of 25000, above 10000",),
            nodes=(("conv_2",),),
            fixed=_SKIP_CONV_2,
        ),
        Invalid(
            settings="layer_settings:\n  conv_1:\n    quantization_settings: {skip_quantization: true}\n",
            graph=classifier,
            report={"layers": [{"name": "conv_1", "qs": 2e4}, {"name": "conv_2", "qs": 3e4}]},
            messages=("conv_2 is quantized with a sensitivity of 30000, above 10000",),
            fixed="layer_settings:\n  conv_1:\n    quantization_settings: {skip_quantization: true}\n"
            "  conv_2:\n    quantization_settings:\n      skip_quantization: true\n",
        ),
        Invalid(
            settings='{"layer_settings": {}}\n',
            syntax="json",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 0.7}]},
            options={"max-qs": 0.5},
            messages=("conv_2 is quantized with a sensitivity of 0.7, above 0.5",),
            fixed='{"layer_settings": {"conv_2": {"quantization_settings": {"skip_quantization": true}}}}\n',
        ),
        Invalid(
            settings="layer_settings:\n  «conv_2»:\n    quantization_settings:\n      weights_num_bits: 8\n",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": "inf"}]},
            messages=("conv_2 is quantized with a sensitivity of inf, above 10000",),
            fixed="layer_settings:\n  conv_2:\n    quantization_settings:\n      weights_num_bits: 8\n"
            "      skip_quantization: true\n",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the QS of every group that is quantized; it is reported at the group's head."""
        for decision in context.plan.decisions:
            qs = context.report.layers[decision.name].qs if decision.name in context.report.layers else None
            is_head = decision.group == decision.name
            if decision.precision is Precision.QUANTIZED and is_head and qs is not None and qs > self.max_qs:
                place = context.places.rules.get(decision.name)
                edits = context.editor.set_field(decision.name, "skip_quantization", True)
                yield Finding(
                    f"{decision.name} is quantized with a sensitivity of {qs:.6g}, above {self.max_qs:g}",
                    place.selector_span if place else None,
                    nodes=(decision.name,),
                    help=f"skip {decision.name}, or raise max-qs",
                    fix=Fix(f"skip {decision.name}", edits, Safety.UNSAFE) if edits else None,
                )

"""CLK301."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.settings.value_types import Number
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding, Fix, Safety
from clika_linter.measured import quantized_heads, selector_for, span_of_layer
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
        Valid(
            settings="global_quantization_settings: {quantization_sensitivity_threshold: 0.1}\n",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 25_000.0}]},
            about="the threshold keeps it float",
        ),
        Valid(
            settings="",
            graph=classifier,
            report={"layers": [{"name": "relu_2", "qs": 25_000.0}]},
            about="a group has one sensitivity, that of its head",
        ),
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
        Invalid(
            settings='layer_settings:\n  "op:conv": {quantization_settings: {weights_num_bits: 8}}\n'
            "  «'name:conv_2'»: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            report={"layers": [{"name": "conv_2", "qs": 12_000}]},
            messages=("conv_2 is quantized with a sensitivity of 12000, above 10000",),
            fixed='layer_settings:\n  "op:conv": {quantization_settings: {weights_num_bits: 8}}\n'
            "  'name:conv_2': {quantization_settings: {skip_quantization: true}}\n",
            about="the rule that names the layer already is the one to change",
        ),
        Invalid(
            settings="[training_settings]\nnum_epochs = 3\n",
            syntax="toml",
            graph=classifier,
            report={"layers": [{"name": "conv_1", "qs": 5e4}, {"name": "conv_2", "qs": 6e4}]},
            options={"max-qs": 55_000},
            messages=("conv_2 is quantized with a sensitivity of 60000, above 55000",),
            nodes=(("conv_2",),),
            fixed="[training_settings]\nnum_epochs = 3\n\n[layer_settings.conv_2.quantization_settings]\n"
            "skip_quantization = true\n",
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare the QS of every group that is quantized; it is reported at the group's head."""
        for _, layer in quantized_heads(context):
            if layer.qs is not None and layer.qs > self.max_qs:
                selector = selector_for(context, layer.name)
                edits = context.editor.set_field(selector, "skip_quantization", True)
                yield Finding(
                    f"{layer.name} is quantized with a sensitivity of {layer.qs:.6g}, above {self.max_qs:g}",
                    span_of_layer(context, layer.name),
                    nodes=(layer.name,),
                    help=f"skip {layer.name}, or raise max-qs",
                    fix=Fix(f"skip {layer.name}", edits, Safety.UNSAFE) if edits else None,
                )

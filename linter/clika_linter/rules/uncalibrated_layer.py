"""CLK306."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.planning.decision import Group
from clika_core.targets.target import Arithmetic
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier
from clika_linter.finding import Finding
from clika_linter.measured import quantized_groups, span_of_layer
from clika_linter.report import Calibration
from clika_linter.rule import Need, Rule

_SEEN = {"samples": 200, "min": 0.0, "max": 6.0, "constant": False, "non_finite": 0}
_CONSTANT = {**_SEEN, "max": 0.0, "constant": True}
_NEVER = {"samples": 0, "min": None, "max": None, "constant": False, "non_finite": 0}


def _layers(**calibration: object) -> dict[str, list[dict[str, object]]]:
    """A report of the classifier's quantized groups; `calibration` by the layer at the end of each."""
    return {
        "layers": [
            {"name": "conv_1", "group": "conv_1"},
            {"name": "relu_1", "group": "conv_1", "calibration": calibration.get("relu_1", _SEEN)},
            {"name": "conv_2", "group": "conv_2"},
            {"name": "relu_2", "group": "conv_2", "calibration": calibration.get("relu_2", _SEEN)},
            {
                "name": "adaptive_avg_pool_1",
                "group": "adaptive_avg_pool_1",
                "calibration": calibration.get("adaptive_avg_pool_1", _SEEN),
            },
            {"name": "flatten_1", "group": "flatten_1"},
        ]
    }


class UncalibratedLayer(Rule):
    """A layer is quantized by a range that calibration did not measure.

    ## What it does
    Reports quantized layers whose values calibration never saw, or saw to be all the same. Layers that only move
    values share the range of their input and need none of their own.

    ## Why is this bad?
    The scale follows from the calibrated range. Without one, it means nothing, and on real data the layer's codes
    saturate.

    ## Example
    The report says `"constant": true` for `relu_2`: all calibration images were black.

    ## Use instead
    Calibration data like the data the model will see; or keep the layer float:

    ```yaml
    layer_settings:
      relu_2:
        quantization_settings: {skip_quantization: true}
    ```
    """

    code = "CLK306"
    name = "uncalibrated-layer"
    severity = Severity.ERROR
    needs = (Need.PLAN, Need.REPORT)
    silences = ("CLK302", "CLK308")

    VALID = (
        Valid(
            settings="", graph=classifier, report=_layers(), about="flatten_1 shares the range of the pool"
        ),
        Valid(settings="", graph=classifier, report={"layers": [{"name": "conv_1"}]}, about="QS only"),
        Valid(
            settings="layer_settings:\n  conv_2: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report=_layers(relu_2=_CONSTANT),
            about="float layers need no range",
        ),
        Valid(
            settings="layer_settings:\n  relu_1: {quantization_settings: {skip_quantization: true}}\n",
            graph=classifier,
            report=_layers(),
            about="the rule is newer than the report, in which conv_1 and relu_1 were one group",
        ),
        Valid(
            settings="",
            graph=classifier,
            report={**_layers(adaptive_avg_pool_1=None), "target": "tflite"},
            about="another target quantizes other layers",
        ),
    )
    INVALID = (
        Invalid(
            settings="",
            graph=classifier,
            report=_layers(relu_2=_CONSTANT),
            messages=("calibration saw relu_2 constant, at 0: its scale means nothing",),
            nodes=(("conv_2", "relu_2"),),
        ),
        Invalid(
            settings="layer_settings:\n  «conv_1»: {quantization_settings: {weights_num_bits: 8}}\n",
            graph=classifier,
            report=_layers(relu_1=_NEVER),
            messages=("calibration never reached relu_1: its scale means nothing",),
            nodes=(("conv_1", "relu_1"),),
        ),
        Invalid(
            settings="",
            graph=classifier,
            report=_layers(adaptive_avg_pool_1=None),
            messages=("calibration never reached adaptive_avg_pool_1: its scale means nothing",),
        ),
        Invalid(
            settings="layer_settings:\n  «'name:conv_2'»: {quantization_settings: {skip_quantization: false}}\n",
            graph=classifier,
            report=_layers(relu_1={**_SEEN, "min": 1.5, "max": 1.5, "constant": True}, relu_2=_CONSTANT),
            messages=("calibration saw relu_1 constant, at 1.5", "calibration saw relu_2 constant, at 0"),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Look up what calibration saw of the value of every quantized group."""
        known = _last_calibrated(context)
        is_of_target = context.report.target in (None, context.target.name)
        for group in quantized_groups(context):
            is_moving = context.target.arithmetic(context.graph[group.head]) is Arithmetic.MOVE
            name, seen = known.get(group.head, (group.end, None))
            problem = None
            if seen is not None:
                problem = _problem(name, seen)
            elif known and is_of_target and not is_moving:
                problem = f"calibration never reached {name}"
            if problem:
                yield _finding(context, group, name, problem)


def _last_calibrated(context: Context) -> dict[str, tuple[str, Calibration]]:
    """By head of the groups of the report, the layer whose values were calibrated, and what was seen."""
    return {
        layer.group or layer.name: (layer.name, layer.calibration)
        for layer in context.report.layers.values()
        if layer.calibration is not None and layer.name in context.graph.index
    }


def _problem(name: str, seen: Calibration) -> str | None:
    if seen.samples == 0 or seen.min_value is None or seen.max_value is None:
        return f"calibration never reached {name}"
    if seen.is_constant:
        return f"calibration saw {name} constant, at {seen.max_value:.6g}"
    return None


def _finding(context: Context, group: Group, name: str, problem: str) -> Finding:
    return Finding(
        f"{problem}: its scale means nothing",
        span_of_layer(context, group.head),
        nodes=tuple(dict.fromkeys((group.head, name))),
        help=f"calibrate with data that makes {name} vary, or skip {group.head}",
    )

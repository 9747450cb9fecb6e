"""The pages of the JSON forms a machine may read: `clika_report.json`, and what commands print as JSON.

Tests compare the names here with what the code writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from clika_core.planning.decision import CauseKind, How, Precision
from clika_core.planning.plan import make_plan
from clika_core.settings.layer import LayerQuantizationSettings
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_core.testing.builder import GraphBuilder
from docs.generators.markdown import block, code, codes, page, table

REPORT: Final[Mapping[str, str]] = {
    "format": '`"clika-report"`',
    "version": "of the form, an integer",
    "graph": "`name`, `backend`, `fingerprint` of the traced graph",
    "target": "the deployment target",
    "settings": "every setting as it was in force, defaults included; `layer_settings` holds the rules",
    "seed": "of everything random",
    "versions": "by package: what can change a number",
    "cpu_flags": "those of the processor that matter for integer arithmetic",
    "layers": "one entry per layer, in trace order: see below",
    "borders": "where values change between float and integers, as in [the plan](plan.md)",
    "diagnostics": "findings on graph and rules: `code`, `severity`, `message`, `location`, `related`, `help`",
    "calibration": "`batches` and `samples` that were used",
    "improvements": "what techniques changed, before and after calibration, by the setting of each: `layers` and a "
    "`summary`",
    "accuracy": "score by model (`float`, `quantized`: simulated, `deployed`), or null where nothing scored it",
    "metric": "what the scores are, where that is known: `top1` is a share of samples",
    "evaluation": "null without evaluation data, else `data`, `batches`, `samples`, `metric`, `scores`, and by model "
    "`relative_l2` to float, of all `outputs` and of each, and `top1_agreement` with float",
    "agreement": "of simulation and runtime: `end_to_end` distances, and by layer codes `compared`, `different`, "
    "`largest_difference`, `share_equal`; the `runtime_optimization_level`",
    "sizes_bytes": "of the files and of the weights alone, float and quantized",
    "latency_seconds": "for one sample on one thread, by model",
    "timings_seconds": "of the steps of the run",
    "learning_rate": "of the settings, for the linter",
    "notes": "what the run had to say beside its numbers",
}
LAYER: Final[Mapping[str, str]] = {
    "name": "unique: type and counter",
    "type": "the [operator type](operators.md)",
    "path": "in the source model, or null",
    "precision": codes(Precision),
    "group": "the head of the fused group that the layer belongs to, or null",
    "into": "of a removed layer: the layer whose weights absorbed it, or null",
    "causes": "every reason for the layer to be float: see [the plan](plan.md)",
    "overridden": "the causes that an explicit `skip_quantization: false` took away",
    "weights_num_bits": "when quantized",
    "activations_num_bits": "when quantized",
    "calibration": "of the group's output: `samples`, `min`, `max`, `constant`, `non_finite`; null where never seen",
    "quantization": "`activations` by output port and `weights` by role: `format`, `granularity`, `scale`, "
    "`zero_point`",
    "share_of_codes_used": "the part of the output's codes that calibration data reached",
    "multiply_accumulates": "for the example inputs",
    "weight_bytes": "as traced",
    "qs": "quantization sensitivity of the group, or null where it was not measured",
    "abs_l2": "the numerator of QS: the error's L2 norm",
    "sqnr_db": "-20·log10(QS)",
}
PLAN: Final[Mapping[str, str]] = {
    "graph": "the fingerprint of the graph",
    "target": "the deployment target",
    "layers": "one entry per layer, in trace order: `name`, `type`, `path`, `precision`, `group`, `causes`, "
    "`overridden`, `qs`",
    "borders": "one per value that changes between float and integers: `name`, `producer`, `port`, `kind` "
    "(`quantize` or `dequantize`), `consumers`",
    "diagnostics": "findings on the rules: `code`, `severity`, `message`, `location`, `related`, `help`",
}
CAUSE: Final[Mapping[str, str]] = {
    "kind": codes(CauseKind),
    "how": f"of a rule: {codes(How)}; else null",
    "selector": "of a rule, as it was written; else null",
    "location": "where the rule stands: `file`, `line`, `column`; else null",
    "of": "outputs (`tail`), targets reached (`until`), producers (`inherited`), or the reason (`unsupported`)",
}
SENSITIVITY: Final[Mapping[str, str]] = {
    **{name: REPORT[name] for name in ("format", "version", "graph", "target")},
    "observer": "what chose the ranges",
    "calibration": REPORT["calibration"],
    "layers": REPORT["layers"],
}
SENSITIVITY_LAYER: Final[Mapping[str, str]] = {
    **{name: LAYER[name] for name in ("name", "type", "path", "group", "qs", "abs_l2", "sqnr_db")},
    "qs_cumulative": "with `--cumulative`: the group's error in the quantized model; else null",
    "qs_task": "with `--task`: the error of the model's outputs when this group alone is quantized; else null",
    "not_measured": "why there is no QS, or null",
}
VERIFICATION: Final[Mapping[str, str]] = {
    "report": "the path that was given",
    "deployed": "the path that was given",
    "layers": "one entry per layer that stays, in trace order: see below",
    "diagnostics": "what is not as the report says; empty where the file honours it, and then the exit code is 0",
}
VERIFICATION_LAYER: Final[Mapping[str, str]] = {
    "name": LAYER["name"],
    "precision": f"as the report says: {codes(Precision)}",
    "kernels": "what onnxruntime runs for it: `type`, and `integer`: whether that computes in integers",
    "stored": "the dtypes of the weights in the file",
}


def report_page() -> str:
    """The page of the report."""
    introduction = (
        "`clika demo`, `clika compress` and `clika_core.compress` write it into the output folder; the linter, "
        "`clika verify` and `--sensitivity` read it. "
        'It is plain JSON: numbers that are none are the strings `"inf"`, `"-inf"`, `"nan"`.'
    )
    return page("clika_report.json", introduction, _fields(REPORT), "## layers", _fields(LAYER))


def plan_page() -> str:
    """The page of the plan, with a plan that is really made."""
    shown = block(json.dumps(example_plan(), indent=1), "json")
    return page(
        "The plan as JSON",
        "`clika plan --format json` prints it.",
        _fields(PLAN),
        "## causes",
        "In the order in which they are listed; a layer has all that hold.",
        _fields(CAUSE),
        "## Example",
        "A convolution, a softmax under a rule, and a dense layer in the tail:",
        shown,
    )


def measured_page() -> str:
    """The page of what is measured on a model, and of what is found in a file."""
    return page(
        "Sensitivity and verification as JSON",
        "`clika sensitivity --format json` prints QS and its relatives, and writes them with `-o`; `--sensitivity` "
        "of other commands reads them. Numbers that are none are strings, as in [the report](report.md).",
        _fields(SENSITIVITY),
        "## layers of a sensitivity",
        _fields(SENSITIVITY_LAYER),
        "## Verification",
        "`clika verify --format json` prints what it found:",
        _fields(VERIFICATION),
        "## layers of a verification",
        _fields(VERIFICATION_LAYER),
    )


def example_plan() -> dict[str, Any]:
    """The plan of three layers with one rule."""
    g = GraphBuilder()
    h = g.layer("conv", g.input("x", ("d0", 3, 8, 8)), weight=(4, 3, 3, 3), path="stem")
    g.output(g.layer("linear", g.layer("softmax", h, axis=1), weight=(10, 6), path="head"))
    settings = Settings()
    rule = LayerQuantizationSettings(skip_quantization=True, skip_quantization_until="linear_1")
    settings.set_quantization_settings_for_layer("op:softmax", rule)
    found = make_plan(g.build(), settings, ORT).to_json()
    for layer in found["layers"]:
        for cause in layer["causes"]:
            cause["location"] = cause["location"] and {"file": "settings.yaml", "line": 3, "column": 3}
    return found


def _fields(names: Mapping[str, str]) -> str:
    return table(("member", "content"), [(code(name), text) for name, text in names.items()])

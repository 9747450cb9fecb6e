"""The layers as rows of the page's table: what was decided, why, and what was measured, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from clika_core.ir.costs import multiply_accumulates, weight_bytes
from clika_core.ir.graph import Graph, Node
from clika_core.pictures.facts import attribute_text, shape_text, value_text
from clika_core.pictures.reasons import cause_text
from clika_core.planning.decision import Cause, Decision, Precision
from clika_core.report_page.figure import Figure
from clika_core.report_page.shown import flat, percent, plain_number, printable, significant

if TYPE_CHECKING:
    from clika_core.planning.plan import Plan

Row = dict[str, Any]


def layer_rows(graph: Graph, plan: Plan | None, report: Mapping[str, Any], figure: Figure) -> list[Row]:
    """One row per layer, in trace order. Texts are printable; the page escapes them."""
    measured = {layer["name"]: layer for layer in report.get("layers", ())}
    agreement = report.get("agreement", {}).get("layers", {})
    rows = []
    for position, node in enumerate(graph.layers, start=1):
        row = {
            "position": position,
            "name": node.name,
            "type": node.type,
            "path": node.path or "",
            "source": str(node.source or ""),
            "box": figure.boxes.get(node.name),
            "macs": multiply_accumulates(node),
            "bytes": weight_bytes(node),
            **_decided(graph, plan, node),
            **_measured(measured.get(node.name, {}), plan, node),
            "facts": _facts(graph, node),
        }
        row["details"] = _details(measured.get(node.name, {}), agreement.get(node.name))
        rows.append({key: printable(value) for key, value in row.items()})
    return rows


def _decided(graph: Graph, plan: Plan | None, node: Node) -> Row:
    if plan is None:
        return {"decision": "", "why": [], "overridden": [], "is_head": False}
    decision = plan[node.name]

    def text(cause: Cause) -> str:
        return cause_text(graph, node.name, cause, plan.target, str)

    return {
        "decision": str(decision.precision),
        "why": [text(cause) for cause in decision.causes] or _otherwise(decision),
        "overridden": [text(cause) for cause in decision.overridden],
        "is_head": node.name in plan.groups,
        "bits": f"{decision.weights_num_bits}/{decision.activations_num_bits}"
        if decision.precision is Precision.QUANTIZED
        else "",
    }


def _otherwise(decision: Decision) -> list[str]:
    """What happened to a layer that has no cause."""
    if decision.precision is Precision.REMOVED:
        return [f"folded into {decision.into}" if decision.into else "nothing to do in inference"]
    fused = decision.group and decision.group != decision.name
    return [f"fused into {decision.group}"] if fused else []


def _measured(layer: Mapping[str, Any], plan: Plan | None, node: Node) -> Row:
    """QS of the report, else the one that planning was given."""
    qs = layer.get("qs")
    if qs is None and plan is not None:
        qs = plan[node.name].qs
    return {"qs": plain_number(qs), "qsText": significant(qs)}


def _facts(graph: Graph, node: Node) -> list[tuple[str, str]]:
    """What the traced graph says of the layer, as pairs of a word and a text."""
    inputs = ", ".join(f"{port.producer} {value_text(graph.value(port.key))}" for port in node.inputs)
    pairs = [
        ("reads", inputs),
        ("gives", ", ".join(value_text(value) for value in node.outputs)),
        ("weights", ", ".join(f"{weight.role} {shape_text(weight.shape)}" for weight in node.weights)),
        (
            "attributes",
            ", ".join(f"{key} {attribute_text(key, value)}" for key, value in node.attributes.items()),
        ),
        ("also called", ", ".join(alias for alias in node.aliases if alias not in (node.name, node.path))),
        ("made of", f"{len(node.body)} operations" if node.body else ""),
    ]
    return [(word, text) for word, text in pairs if text]


def _details(layer: Mapping[str, Any], agreement: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What was measured, as pairs of a word and a text."""
    pairs = [
        (word, significant(layer.get(key))) for key, word in _NUMBERS.items() if layer.get(key) is not None
    ]
    seen = layer.get("calibration")
    if seen:
        extent = f"{significant(seen.get('min'), 4)} to {significant(seen.get('max'), 4)}"
        pairs.append(("range seen", f"{extent}, in {seen.get('samples')} samples"))
    if layer.get("share_of_codes_used") is not None:
        pairs.append(("codes used", percent(layer["share_of_codes_used"])))
    for port, params in layer.get("quantization", {}).get("activations", {}).items():
        word = "output" if port == "0" else f"output {port}"
        pairs.append((f"{word} codes", _parameters(params)))
    for role, params in layer.get("quantization", {}).get("weights", {}).items():
        pairs.append((f"{role} codes", _parameters(params)))
    inner = layer.get("quantization", {}).get("probabilities")
    if inner:
        pairs.append(("probability codes", _parameters(inner)))
    for side, params in zip(
        ("above 0", "below 0"), layer.get("quantization", {}).get("halves", ()), strict=False
    ):
        pairs.append((f"output codes {side}", _parameters(params)))
    if agreement:
        off = f", the others by up to {agreement['largest_difference']}" if agreement["different"] else ""
        share = percent(agreement["share_equal"], 4)
        pairs.append(("equal to the runtime", f"{share} of {agreement['compared']:,} codes{off}"))
    return pairs


_NUMBERS = {
    "abs_l2": "absolute error (L2)",
    "sqnr_db": "signal to noise, dB",
    "qs_cumulative": "QS, all quantized",
}


def _parameters(params: Mapping[str, Any]) -> str:
    """`uint8, scale 0.0221, zero point 0`; many scales as their extent."""
    form = params["format"]
    sign = "" if form.get("is_signed", True) else "u"
    kind = (
        f"{sign}int{form['num_bits']}" if form["kind"] == "integer" else str(form.get("name", form["kind"]))
    )
    scales = flat(params["scale"])
    if len(scales) == 1:
        return f"{kind}, scale {significant(scales[0])}, zero point {flat(params['zero_point'])[0]}"
    granularity = str(params["granularity"]["kind"]).replace("_", " ")
    return (
        f"{kind} {granularity}, {len(scales)} scales {significant(min(scales))} to {significant(max(scales))}"
    )

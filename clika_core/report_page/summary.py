"""The top of the page: cards, the models side by side, and tables of names and values."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from clika_core.ir.costs import multiply_accumulates
from clika_core.ir.graph import Graph
from clika_core.planning.decision import Precision
from clika_core.report_page.shown import (
    MISSING,
    kilobytes,
    milliseconds,
    number_of,
    percent,
    significant,
)

if TYPE_CHECKING:
    from clika_core.planning.plan import Plan

_ROLE: Final = {
    "quantized": "simulated int8",
    "simulated": "simulated int8",
    "deployed": "deployed int8",
    "int8": "deployed int8",
}
"""Other words for a model in the report."""
_FILE: Final = {"float": "file_float", "deployed int8": "file_quantized"}
_PEER_FILE: Final = "file_peer"
_SHARES: Final = frozenset({"top1", "accuracy"})


@dataclass(frozen=True, slots=True)
class Card:
    """One number worth a glance, with what it is compared with."""

    title: str
    value: str
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A row of the table of models."""

    name: str
    score: str
    distance: str
    latency: str
    size: str


def cards(graph: Graph, plan: Plan | None, report: Mapping[str, Any]) -> list[Card]:
    """What there is to say: a card without its number is left out."""
    found = [_score(report), _size(report), _latency(report)]
    found += [_layers(graph, plan), _work(graph, plan), _sensitivity(plan), _agreement(report)]
    return [card for card in found if card]


def models(report: Mapping[str, Any]) -> list[Model]:
    """Every model that was measured, the float one first."""
    scores, seconds = _by_role(report.get("accuracy")), _by_role(report.get("latency_seconds"))
    evaluated = _by_role((report.get("evaluation") or {}).get("relative_l2"))
    sizes = report.get("sizes_bytes", {})
    names = list(dict.fromkeys(["float", *scores, *evaluated, *seconds])) if scores or seconds else []
    known = {**_FILE, **{name: _PEER_FILE for name in names if name not in (*_FILE, *_ROLE.values())}}
    return [
        Model(
            name,
            _score_text(scores.get(name), report),
            MISSING if name == "float" else _distance(name, report),
            milliseconds(seconds.get(name)),
            kilobytes(sizes.get(known.get(name, ""))),
        )
        for name in names
    ]


def _distance(name: str, report: Mapping[str, Any]) -> str:
    """Relative L2 of a model's outputs against the float model's, under whichever name the report has it."""
    evaluated = _by_role((report.get("evaluation") or {}).get("relative_l2"))
    if name in evaluated:
        return significant(evaluated[name])
    distances = report.get("agreement", {}).get("end_to_end", {})
    named = (f"relative_l2_{name.replace(' ', '_')}", f"relative_l2_{name.partition(' ')[0]}_float")
    return significant(next((distances[key] for key in named if key in distances), None))


def _by_role(values: Mapping[str, Any] | None) -> dict[str, float]:
    pairs = ((_ROLE.get(name, name), number_of(value)) for name, value in (values or {}).items())
    return {name: value for name, value in pairs if value is not None}


def _score_text(value: float | None, report: Mapping[str, Any]) -> str:
    return percent(value) if value is not None and report.get("metric") in _SHARES else significant(value, 4)


def _score(report: Mapping[str, Any]) -> Card | None:
    scores = _by_role(report.get("accuracy"))
    best = next((name for name in ("deployed int8", "simulated int8") if name in scores), None)
    if best is None:
        return None
    others = [name for name in ("float", "simulated int8") if name in scores and name != best]
    details = tuple(f"{name} {_score_text(scores[name], report)}" for name in others)
    return Card(f"Accuracy, {best}", _score_text(scores[best], report), details)


def _size(report: Mapping[str, Any]) -> Card | None:
    sizes = report.get("sizes_bytes", {})
    before, after = number_of(sizes.get("file_float")), number_of(sizes.get("file_quantized"))
    if not before or not after:
        return None
    details = [f"{kilobytes(before)} → {kilobytes(after)}"]
    weights = number_of(sizes.get("weights_float")), number_of(sizes.get("weights_quantized"))
    if weights[0] and weights[1]:
        details.append(f"weights alone {weights[0] / weights[1]:.2f} × smaller")
    return Card("File size", f"{before / after:.2f} × smaller", tuple(details))


def _latency(report: Mapping[str, Any]) -> Card | None:
    seconds = _by_role(report.get("latency_seconds"))
    before, after = seconds.get("float"), seconds.get("deployed int8")
    if not before or not after:
        return None
    ratio = f"{before / after:.2f} × faster" if after <= before else f"{after / before:.2f} × slower"
    return Card(
        "Latency", ratio, (f"{milliseconds(before)} → {milliseconds(after)}", "one sample, one thread")
    )


def _layers(graph: Graph, plan: Plan | None) -> Card:
    if plan is None:
        return Card("Layers", str(len(graph.layers)), ("as traced, before any decision",))
    count = Counter(decision.precision for decision in plan.decisions)
    value = f"{count[Precision.QUANTIZED]} of {len(plan.decisions)} quantized"
    return Card("Layers", value, (f"{count[Precision.FLOAT]} float, {count[Precision.REMOVED]} removed",))


def _work(graph: Graph, plan: Plan | None) -> Card | None:
    costs = {node.name: multiply_accumulates(node) for node in graph.layers}
    total = sum(costs.values())
    if not total:
        return None
    if plan is None:
        return Card("Multiply-accumulates", f"{total:,}", ("for the example inputs",))
    share = sum(costs[name] for name in plan.quantized) / total
    return Card("Work in integers", percent(share, 1), (f"of {total:,} multiply-accumulates",))


def _sensitivity(plan: Plan | None) -> Card | None:
    """The layer that quantization hurts most, of those that are quantized."""
    if plan is None:
        return None
    measured = [(plan[name].qs, name) for name in plan.groups if name in set(plan.quantized)]
    known = [(qs, name) for qs, name in measured if qs is not None]
    if not known:
        return None
    qs, name = max(known, key=lambda pair: (pair[0] == pair[0], pair[0]))
    return Card("Largest QS, quantized", significant(qs), (f"layer {name}",))


def _agreement(report: Mapping[str, Any]) -> Card | None:
    found = report.get("agreement", {}).get("layers", {})
    if not found:
        return None
    worst = min(found.values(), key=lambda layer: layer["share_equal"])
    compared = sum(layer["compared"] for layer in found.values())
    details = [f"{compared:,} codes compared; the share is of the worst layer"]
    top1 = report["agreement"].get("end_to_end", {}).get("top1_simulated_deployed")
    if top1 is not None:
        details.insert(0, f"same class for {percent(top1)} of the samples")
    return Card("Runtime equals simulation", percent(worst["share_equal"], 4), tuple(details))


def outputs_table(report: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Names of models, and for each output of several its distance to float by model."""
    outputs = (report.get("evaluation") or {}).get("outputs", {})
    if len(outputs) < 2:
        return [], []
    names = list(next(iter(outputs.values())))
    rows = [(output, [significant(found.get(name)) for name in names]) for output, found in outputs.items()]
    return [_ROLE.get(name, name) for name in names], rows


def settings_pairs(settings: Mapping[str, Any]) -> list[tuple[str, Sequence[tuple[str, str]]]]:
    """Sections with their keys and values, as a settings file would say them."""
    return [
        (section, [(key, _value(value)) for key, value in keys.items()])
        for section, keys in settings.items()
        if isinstance(keys, Mapping)
    ]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {_value(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    return value if isinstance(value, str) else json.dumps(value)

"""Does a shipped file honour the rules? Layer by layer, in the file and in what the runtime makes of it.

A float layer has float weights and no integer kernel. A quantized layer has its weights stored as codes with the
scales of the report, its result quantized with the report's parameters, and an integer kernel.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx

from clika_core.deployment.runtime_kernels import kernels, optimized
from clika_core.deployment.shipped import Shipped, Stored
from clika_core.diagnostics import Diagnostic, Severity
from clika_core.ir.operators import OPERATORS, Trait
from clika_core.numerics import QuantParams

_IN_REALS = {
    "attention": frozenset({"Mul", "Add", "Where", "Softmax"}),  # scores, between two integer products
    "linear": frozenset({"Reshape"}),  # of sums that leave unrounded, to the axes that were folded into one
    "conv": frozenset({"Add"}),  # of the halves in which sums were rounded
}
_WITHOUT_NODES = frozenset({"identity", "pad"})  # they become part of what they feed, or nothing


@dataclass(frozen=True, slots=True)
class LayerFound:
    """One layer: what the report says, the operators it runs as, and whether these compute on integers."""

    name: str
    precision: str
    kernels: Mapping[str, bool]
    stored: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The form of `clika verify --format json`."""
        return {
            "name": self.name,
            "precision": self.precision,
            "kernels": [{"type": name, "integer": found} for name, found in self.kernels.items()],
            "stored": list(self.stored),
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """Every layer, and what is not as the report says."""

    layers: tuple[LayerFound, ...]
    findings: tuple[Diagnostic, ...]


def verify(report: Mapping[str, Any], model: onnx.ModelProto) -> Verification:
    """Compare a file with the content of its `clika_report.json`."""
    layers = [layer for layer in report["layers"] if layer["precision"] != "removed"]
    names = [layer["name"] for layer in layers]
    shipped, ran = Shipped(model.graph, names), kernels(optimized(model), names)
    ends = {layer["group"] or layer["name"]: layer["name"] for layer in layers}
    found, findings = [], list(_of_the_model(report, model))
    for layer in layers:
        name = layer["name"]
        stored = shipped.stored_operands(name)
        found.append(
            LayerFound(name, layer["precision"], ran.get(name, {}), tuple(item.dtype for item in stored))
        )
        if layer["precision"] == "float":
            findings += _of_float(layer, stored, ran.get(name, {}))
        else:
            is_end = ends[layer["group"] or name] == name
            findings += _of_quantized(layer, shipped, stored, ran.get(name, {}), is_end)
    return Verification(tuple(found), tuple(findings))


def _of_the_model(report: Mapping[str, Any], model: onnx.ModelProto) -> Iterator[Diagnostic]:
    said = {entry.key: entry.value for entry in model.metadata_props}
    wanted = {"clika.fingerprint": report["graph"]["fingerprint"], "clika.target": report["target"]}
    for key, value in wanted.items():
        if said.get(key) != value:
            what = key.removeprefix("clika.")
            yield _finding(
                f"other-{what}",
                f"the file says {what} {str(said.get(key))[:12]}, the report {str(value)[:12]}",
                help_="verify a file with the report that was written with it",
            )


def _of_float(
    layer: Mapping[str, Any], stored: list[Stored], ran: Mapping[str, bool]
) -> Iterator[Diagnostic]:
    name = layer["name"]
    if stored:
        yield _finding(
            "float-layer-quantized",
            f"{name} is float in the report, and the file stores its weights as {stored[0].dtype}",
            name,
        )
    operator = OPERATORS.get(layer["type"])
    if operator is not None and operator.trait is Trait.TRANSPARENT:
        return  # moved values are the same, as codes or as reals
    for kernel, is_integer in ran.items():
        if is_integer and not _computes_no_floats(layer):
            yield _finding(
                "float-layer-quantized",
                f"{name} is float in the report, and onnxruntime computes it in integers ({kernel})",
                name,
            )


def _computes_no_floats(layer: Mapping[str, Any]) -> bool:
    return any(cause["kind"] == "float_only" for cause in layer["causes"])


def _of_quantized(
    layer: Mapping[str, Any], shipped: Shipped, stored: list[Stored], ran: Mapping[str, bool], is_end: bool
) -> Iterator[Diagnostic]:
    name, given = layer["name"], layer["quantization"]
    if not shipped.nodes_of(name):
        if layer["type"] not in _WITHOUT_NODES:
            yield _finding("missing-layer", f"{name} is quantized in the report, and not in the file", name)
        return
    for role, data in given["weights"].items():
        params = QuantParams.from_json(data)
        if not stored:
            message = f"{name} is quantized in the report, and the file stores its {role} in float"
            yield _finding("quantized-layer-float", message, name)
        elif not any(_is_same(item, params) for item in stored):
            message = f"the scales of {name}'s {role} are others in the file than in the report"
            yield _finding("other-parameters", message, name)
    rounded = (*given["activations"].values(), *given.get("halves", ()))
    outputs = [QuantParams.from_json(data) for data in rounded]
    if is_end and outputs and layer["type"] not in _WITHOUT_NODES:
        yield from _of_result(name, list(shipped.quantizers_after(name)), outputs)
    in_reals = _IN_REALS.get(layer["type"], frozenset())
    floats = [kernel for kernel, is_integer in ran.items() if not (is_integer or kernel in in_reals)]
    if floats:
        message = f"{name} is quantized in the report, and onnxruntime computes it in float ({floats[0]})"
        yield _finding("quantized-layer-float", message, name)


def _of_result(name: str, after: list[Stored], outputs: list[QuantParams]) -> Iterator[Diagnostic]:
    if not after:
        message = f"{name} is quantized in the report, and nothing quantizes its result in the file"
        yield _finding("quantized-layer-float", message, name)
    elif not all(any(_is_same(item, params) for item in after) for params in outputs):
        message = f"the result of {name} has another scale or zero point in the file than in the report"
        yield _finding("other-parameters", message, name)


def _is_same(found: Stored, params: QuantParams) -> bool:
    return (
        found.scale.size == params.scale.size
        and np.array_equal(found.scale.ravel(), params.scale.ravel())
        and np.array_equal(
            np.broadcast_to(found.zero_point, found.scale.shape).ravel(), params.zero_point.ravel()
        )
    )


def _finding(code: str, message: str, layer: str | None = None, help_: str | None = None) -> Diagnostic:
    advice = help_ or "deploy again from the same settings, and change the file by no other tool"
    return Diagnostic(code, Severity.ERROR, message, related=(layer,) if layer else (), help=advice)

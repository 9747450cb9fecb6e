"""Does a `.stablehlo` file honour the rules? What is computed in integers is what the program says: no runtime
decides.

A float layer has no stored codes and rounds nothing to them. A quantized layer has its weights stored as codes,
scales in the proportions of the report, and rounds its result into the report's range of codes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from clika_core.deployment.verification import LayerFound, Verification
from clika_core.diagnostics import Diagnostic, Severity
from clika_core.digests import sha256
from clika_core.errors import OutputError
from clika_core.ir.operators import OPERATORS, Trait
from clika_core.numerics import QuantParams
from clika_core.simulation.layer_spec import code_bounds
from clika_jax.stablehlo.file_format import beside
from clika_jax.stablehlo.reading import Inside, read

_ROUNDING = "round_nearest_even"


def verify(report: Mapping[str, Any], path: Path) -> Verification:
    """Compare a file with the content of its `clika_report.json`.

    Raises OutputError for a file that cannot be read.
    """
    layers = [layer for layer in report["layers"] if layer["precision"] != "removed"]
    inside = read(path, [layer["name"] for layer in layers])
    heads = {layer["group"] or layer["name"]: layer for layer in reversed(layers)}
    found, findings = [], list(_of_the_file(report, path))
    for layer in layers:
        name, own = layer["name"], inside.get(layer["name"], Inside())
        kernels = dict.fromkeys(
            own.kernels, layer["precision"] == "quantized" and _ROUNDING in own.operations
        )
        stored = tuple(str(array.dtype) for array in own.stored)
        found.append(LayerFound(name, layer["precision"], kernels, stored))
        if layer["precision"] == "float":
            findings += _of_float(layer, own)
        elif heads[layer["group"] or name] is layer:
            findings += _of_quantized(layer, own)
    return Verification(tuple(found), tuple(findings))


def _of_the_file(report: Mapping[str, Any], path: Path) -> Iterator[Diagnostic]:
    """Is the file the one that was written with the report?"""
    try:
        said = json.loads(beside(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise OutputError(
            f"{beside(path)} cannot be read",
            found=str(problem),
            expected="the description that was written beside the file",
            fix="keep both files together, or deploy again",
        ) from problem
    if said.get("sha256") != sha256(path.read_bytes()).hexdigest():
        yield _finding("changed-file", f"{path.name} is not the file that {beside(path).name} describes")
    for key, wanted in (("fingerprint", report["graph"]["fingerprint"]), ("target", report["target"])):
        if said.get(key) != wanted:
            message = f"the file says {key} {str(said.get(key))[:12]}, the report {str(wanted)[:12]}"
            yield _finding(f"other-{key}", message)
    precision = {layer["name"]: layer["precision"] for layer in report["layers"]}
    for name, wanted in precision.items():
        if said.get("precision", {}).get(name) != wanted:
            message = (
                f"{name} is {said.get('precision', {}).get(name)} in the file, and {wanted} in the report"
            )
            yield _finding("other-precision", message, name)


def _of_float(layer: Mapping[str, Any], own: Inside) -> Iterator[Diagnostic]:
    name = layer["name"]
    if own.stored:
        message = f"{name} is float in the report, and the file stores its weights as {own.stored[0].dtype}"
        yield _finding("float-layer-quantized", message, name)
    if _ROUNDING in own.operations and layer["type"] in OPERATORS:
        message = f"{name} is float in the report, and the file rounds its values to codes"
        yield _finding("float-layer-quantized", message, name)


def _of_quantized(layer: Mapping[str, Any], own: Inside) -> Iterator[Diagnostic]:
    name, given = layer["name"], layer["quantization"]
    operator = OPERATORS.get(layer["type"])
    if operator is not None and operator.trait is Trait.TRANSPARENT and layer["type"] != "concat":
        return  # moved codes are the same, whatever moves them
    if not own.operations:
        yield _finding("missing-layer", f"{name} is quantized in the report, and not in the file", name)
        return
    for role, data in given["weights"].items():
        if not own.stored:
            message = f"{name} is quantized in the report, and the file stores its {role} in float"
            yield _finding("quantized-layer-float", message, name)
        elif not _has_scales(own, QuantParams.from_json(data)):
            message = f"the scales of {name}'s {role} are others in the file than in the report"
            yield _finding("other-parameters", message, name)
    outputs = [QuantParams.from_json(data) for data in given["activations"].values()]
    if outputs and _ROUNDING not in own.operations:
        message = f"{name} is quantized in the report, and nothing rounds its result to codes in the file"
        yield _finding("quantized-layer-float", message, name)
    elif not all(_has_bounds(own, params) for params in outputs):
        message = f"the result of {name} has another zero point in the file than in the report"
        yield _finding("other-parameters", message, name)


def _has_scales(own: Inside, params: QuantParams) -> bool:
    """Whether a constant has these scales, or multiples of them: a multiplier is scale_x · scale_w / scale_y."""
    wanted = params.scale.ravel().astype(np.float64)
    ratios = (array.ravel() / wanted for array in own.floats if array.size == wanted.size)
    return any(bool(np.all(np.abs(ratio - ratio[0]) < 1e-6 * ratio[0])) for ratio in ratios if ratio[0] > 0)


def _has_bounds(own: Inside, params: QuantParams) -> bool:
    """Whether the codes of a result are clipped where they end, counted from the zero point."""
    scalars = {float(array) for array in own.floats if array.ndim == 0}
    return scalars >= set(code_bounds(params))


def _finding(code: str, message: str, layer: str | None = None) -> Diagnostic:
    return Diagnostic(
        code,
        Severity.ERROR,
        message,
        related=(layer,) if layer else (),
        help="deploy again from the same settings, and change the file by no other tool",
    )

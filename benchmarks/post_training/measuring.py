"""Measures one row: a tool calibrates on some samples of a case, and is compared with float on others."""

from __future__ import annotations

import datetime
import math
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.post_training.cases import Case
from benchmarks.post_training.quantized import Outputs, float_outputs
from benchmarks.post_training.tools import Tool


def measure(case: Case, tool: Tool, threads: int = 0) -> dict[str, Any]:
    """All of a row but its key; a peer's failure is its row's `error`.

    With `threads` the tool quantizes once more, PyTorch having as many, for the seconds of the wall.
    """
    about = {"measured": _about(tool)}
    batches = case.batches(case.evaluation)
    floats = [float_outputs(case.model, batch) for batch in batches]
    try:
        quantized = tool.quantize(case)
        found = [quantized.run(batch) for batch in batches]
    except Exception as error:  # noqa: BLE001 - the table says what failed, and the run goes on
        return {"error": " ".join(f"{type(error).__name__}: {error}".split())[:160], **about}
    wall = {"wall": _wall(case, tool, threads)} if threads else {}
    return {
        **wall,
        "relative_l2": relative_l2(found, floats),
        "agreement": _agreement(case, found, floats),
        "agrees": case.agrees,
        "layers": quantized.coverage.layers,
        "products": quantized.coverage.products,
        "others": quantized.coverage.others,
        "runs_in": quantized.runs_in,
        "seconds": {part: round(seconds, 2) for part, seconds in quantized.clock.seconds.items()},
        **about,
    }


def _wall(case: Case, tool: Tool, threads: int) -> dict[str, float]:
    """The seconds of each part by the clock on the wall, and the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        found = tool.quantize(case).clock.wall
    finally:
        torch.set_num_threads(before)
    return {"threads": threads, **{part: round(seconds, 2) for part, seconds in found.items()}}


def relative_l2(found: list[Outputs], floats: list[Outputs]) -> float:
    """||found - floats||2 / ||floats||2 over all outputs of all batches."""
    pairs = [
        (a.astype(np.float64), b.astype(np.float64))
        for x, y in zip(found, floats, strict=True)
        for a, b in zip(x, y, strict=True)
    ]
    error = sum(float(np.square(a - b).sum()) for a, b in pairs)
    return math.sqrt(error / sum(float(np.square(b).sum()) for _, b in pairs))


def _agreement(case: Case, found: list[Outputs], floats: list[Outputs]) -> float:
    """The share of equal top-1 of the last output, or the mean cosine."""
    ours, theirs = (np.concatenate([outputs[-1] for outputs in each]) for each in (found, floats))
    if case.agrees == "cosine":
        products = (ours * theirs).sum(axis=1)
        norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        return float(np.mean(products / norms))
    return float(np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1)))


def _about(tool: Tool) -> dict[str, Any]:
    return {
        "packages": {name: _version(name) for name in tool.packages},
        "processor": processor(),
        "date": f"{datetime.date.today()}",
    }


def _version(name: str) -> str:
    """Of a distribution; TensorFlow's has another name where it is built for CPUs alone."""
    names = (name, "tensorflow_cpu") if name == "tensorflow" else (name,)
    for each in names:
        try:
            return metadata.version(each).partition("+")[0]
        except metadata.PackageNotFoundError:
            continue
    return "?"


def processor() -> str:
    """The name that the kernel has for it, and whether it multiplies bytes: Linux alone says so."""
    file = Path("/proc/cpuinfo")
    if not file.exists():
        return "unknown processor"
    lines = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
    said = {key.strip(): value.strip() for key, value in lines.items()}
    vnni = " with AVX512-VNNI" if "avx512_vnni" in said.get("flags", "") else ""
    return f"{said.get('model name', 'unknown processor')}{vnni}"

"""Flax modules quantized by this project and by Qwix: distance to float, what is quantized, a rule misspelt.

    python -m venv peer && peer/bin/pip install -c constraints.txt ".[jax,demo]" qwix==0.1.8
    peer/bin/python -m benchmarks.flax_peer -o benchmarks/results/flax_peer.md --about "2 cores, idle"

Each tool gets the same trained module, the same 320 calibration images, and quantizes every layer it can.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import numpy as np
from flax import nnx

from benchmarks.flax_peer.networks import NETWORKS, last_axis
from benchmarks.flax_peer.tools import TOOLS, misspelt_ours, misspelt_qwix
from benchmarks.publishing import parser_of_page, publish
from clika_core.demo.data import DemoData, load_images

HEAD = (
    "| network | tool | accuracy | same class as float | relative L2 of logits | layers with weights in int8 "
    "| products of values in int8 | s to make |\n" + "|---" * 8 + "|"
)


def rows(data: DemoData, networks: dict[str, nnx.Module]) -> Iterator[str]:
    """One for each tool and network, after one for the float network."""
    images, labels = last_axis(data.test.images), data.test.labels
    for network, model in networks.items():
        reference = np.asarray(model(images))
        yield f"| {network} | float | {np.mean(reference.argmax(1) == labels):.2%} | | | | | |"
        for tool, make in TOOLS.items():
            started = time.process_time()
            quantized = make(model, last_axis(data.calibration.images))
            seconds = time.process_time() - started
            logits = np.concatenate([quantized.run(part) for part in np.split(images, 25)])
            cells = [
                f"{np.mean(logits.argmax(1) == labels):.2%}",
                f"{np.mean(logits.argmax(1) == reference.argmax(1)):.2%}",
                f"{np.linalg.norm(logits - reference) / np.linalg.norm(reference):.4f}",
                _of(quantized.weighted),
                _of(quantized.products),
                f"{seconds:.1f}",
            ]
            yield f"| {network} | {tool} | {' | '.join(cells)} |"


def _of(share: tuple[int, int]) -> str:
    return f"{share[0]} of {share[1]}" if share[1] else "none there"


def page(about: str) -> str:
    """The tables."""
    data = load_images()
    networks = {name: make(data) for name, make in NETWORKS.items()}
    names = ("jax", "flax", "qwix", "onnxruntime")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    images: Any = last_axis(data.calibration.images)
    lines = [
        "# Flax beside Qwix",
        "",
        "The demo's network (16 weighted layers, shipped weights) and a vision transformer of four blocks trained on "
        "the demo's images, both in Flax NNX; 320 calibration images, 1,000 test images; every layer quantized that "
        "can be, tails included.",
        f"{datetime.date.today()}, {versions}. {about}",
        "",
        HEAD,
        *rows(data, networks),
        "",
        "## A rule that names no layer",
        "",
        "A rule is to keep the last layer in floating point, and its name is misspelt.",
        "",
        "| tool | what happens |",
        "|---|---|",
        f"| ours | {misspelt_ours(networks['CNN'], images)} |",
        f"| Qwix | {misspelt_qwix(networks['CNN'], images)} |",
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = parser_of_page(__doc__)
    options = parser.parse_args()
    text = page(options.about)
    publish(text, options.output)


if __name__ == "__main__":
    main()

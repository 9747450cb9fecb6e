"""What measuring the sensitivity of every layer costs, in float passes over the same data.

    python -m benchmarks.sensitivity_cost -o benchmarks/results/sensitivity_cost.md --about "2 cores, idle"

Processor time on one thread, the shortest of all runs, the passes taking turns: the user's model under `no_grad`, our
interpreter without a visitor, and the measurement of all layers. Networks of about 50 weighted layers at the sizes of
ImageNet, random weights, random images; elementwise work weighs most in the second, where convolutions are small.
"""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before torch reads it

import torch
from torch import Tensor, nn

import clika_core as clika
from benchmarks.publishing import parser_of_page, publish
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.sensitivity.measure import measure
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT

BOTTLENECKS = ((64, 3), (128, 4), (256, 6), (512, 3))  # width, blocks
PAIRS = ((64, 3), (128, 7), (256, 10), (512, 3))


@dataclass(frozen=True)
class Row:
    """Seconds of one pass over all images."""

    network: str
    layers: int
    model: float
    interpreted: float
    measured: float


class Block(nn.Module):
    """A residual block: convolutions of the given kernels with batch norms, a shortcut where shapes differ."""

    def __init__(self, sizes: Sequence[int], kernels: Sequence[int], strides: Sequence[int]) -> None:
        super().__init__()
        convs = zip(sizes, sizes[1:], kernels, strides, strict=False)
        self.body = nn.ModuleList(_conv(*each) for each in convs)
        stride = max(strides)
        is_same = sizes[0] == sizes[-1] and stride == 1
        self.side = nn.Identity() if is_same else _conv(sizes[0], sizes[-1], 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in self.body[:-1]:
            y = torch.relu(layer(y))
        return torch.relu(self.side(x) + self.body[-1](y))


def _conv(given: int, wanted: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, wanted, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(wanted)
    )


class Residual(nn.Module):
    """He et al. 2016. Bottlenecks make it ResNet-50; pairs of 3×3 convolutions, its sister of as many layers."""

    def __init__(self, *, bottlenecks: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [_conv(3, 64, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        given = 64
        for width, blocks in BOTTLENECKS if bottlenecks else PAIRS:
            for block in range(blocks):
                stride = 2 if width > 64 and not block else 1
                if bottlenecks:
                    layers.append(Block([given, width, width, 4 * width], [1, 3, 1], [1, stride, 1]))
                else:
                    layers.append(Block([given, width, width], [3, 3], [stride, 1]))
                given = 4 * width if bottlenecks else width
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.head = nn.Linear(given, 1000)

    def forward(self, x: Tensor) -> Any:
        return self.head(self.body(x))


NETWORKS: Mapping[str, Callable[[], nn.Module]] = {
    "3×3 convolutions": lambda: Residual(bottlenecks=False),
    "bottlenecks (ResNet-50)": lambda: Residual(bottlenecks=True),
}


def row(name: str, images: Sequence[Tensor], runs: int) -> Row:
    """One network, over all images."""
    torch.manual_seed(0)
    model = NETWORKS[name]().eval()
    traced = clika.trace(model, (images[0][:2],))
    settings = Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    found = quantize_traced(traced, settings, ORT, Batches([(images[0],)]), lambda _: None)
    batches = [found.model.flatten_inputs((x,)) for x in images]

    def in_float() -> None:
        with torch.no_grad():
            for x in images:
                model(x)

    def interpreted() -> None:
        for batch in batches:
            found.model.interpret(batch, lambda call: call.run())

    def measured() -> None:
        measure(found.model, found.simulation, found.plan.groups, batches)

    passes = {"model": in_float, "interpreted": interpreted, "measured": measured}
    best = dict.fromkeys(passes, float("inf"))
    for _ in range(runs):
        for key, run in passes.items():
            started = time.process_time()
            run()
            best[key] = min(best[key], time.process_time() - started)
    weighted = sum(node.type in ("conv", "linear") for node in traced.graph.layers)
    print(name, weighted, best, flush=True)
    return Row(name, weighted, **best)


def page(rows: Sequence[Row], images: int, batch: int, about: str) -> str:
    """The table."""
    torch_version = metadata.version("torch").partition("+")[0]
    lines = [
        "# The cost of sensitivity",
        "",
        f"QS of all layers in one pass, over {images} images of 3×224×224 in batches of {batch};",
        f"processor seconds on one thread. {datetime.date.today()}, torch {torch_version}. {about}",
        "",
        "| network | weighted layers | the model | interpreted | all layers measured | in float passes |",
        "|---|---|---|---|---|---|",
        *(
            f"| {r.network} | {r.layers} | {r.model:.2f} | {r.interpreted:.2f} | {r.measured:.2f} "
            f"| {r.measured / r.model:.2f} |"
            for r in rows
        ),
        "",
    ]
    return "\n".join(lines)


def main() -> None:
    parser = parser_of_page(__doc__)
    parser.add_argument("--batches", type=int, default=2)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    images = list(torch.randn(options.batches, options.batch, 3, 224, 224, generator=generator))
    rows = [row(name, images, options.runs) for name in NETWORKS]
    text = page(rows, options.batches * options.batch, options.batch, options.about)
    publish(text, options.output)


if __name__ == "__main__":
    main()

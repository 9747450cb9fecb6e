"""A convolution in front of PReLU, in the file: an integer kernel for each side of zero, both read by PReLU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import onnx
import pytest
import torch
from torch import Tensor, nn

from clika_core.deployment.onnx_model import OnnxFile
from clika_core.pipeline import deployment
from clika_core.pipeline.compress import compress


class Branching(nn.Module):
    """Two activations read one convolution, with slopes that may be negative."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 3), nn.Conv2d(8, 4, 3)
        self.one, self.other = nn.PReLU(8), nn.PReLU()
        nn.init.uniform_(self.one.weight, -0.5, 0.5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        y: Tensor = self.second(self.one(x)) + self.third(self.other(x)).sum(1, keepdim=True)
        return y


@pytest.mark.parametrize(
    ("make", "halved", "clipped"),
    [
        (lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.Conv2d(8, 4, 3)), 1, 0),
        (Branching, 1, 0),
        (lambda: nn.Sequential(nn.MaxPool2d(2), nn.PReLU(3), nn.Conv2d(3, 4, 3)), 0, 1),
    ],
)
def test_prelu_reads_both_halves_and_clips_only_what_has_none(
    make: Callable[[], nn.Module], halved: int, clipped: int
) -> None:
    torch.manual_seed(0)
    data = torch.randn(16, 3, 12, 12)
    found = compress(make().eval(), calibration_data=data, output_dir=None)
    file = deployment.deploy(found.quantized).quantized
    assert isinstance(file, OnnxFile)
    types = Counter(node.op_type for node in file.model.graph.node)
    assert (types["Relu"], types["Min"], types["PRelu"]) == (clipped, clipped, 0)
    assert sum(bool(spec.halves) for spec in found.quantized.simulation.specs.values()) == halved
    assert not unread(file.model.graph)
    batches = [(data.numpy(),)]
    simulated = deployment.run_simulation(found.quantized, batches)
    assert deployment.relative_distance(simulated, deployment.run_deployed(file, batches)) < 1e-6
    assert all(
        codes.different == 0
        for codes in deployment.agreement(
            found.quantized, deployment.deploy(found.quantized), batches
        ).values()
    )


def unread(graph: onnx.GraphProto) -> set[str]:
    """Results of nodes that nothing reads."""
    read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    return {name for node in graph.node for name in node.output} - read

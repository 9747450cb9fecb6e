"""How long a step of fine-tuning takes in PyTorch, over that of the float network: here, and by torch itself.

    python -m benchmarks.torch_steps

Processor time of forward, backward and Adam, one thread; the ways take turns in one process, so that what else the
machine does falls on all of them. The networks are the demo's, batch norm folded, 32 images; and three linear layers,
784 to 512 to 512 to 10, 64 samples.

float      the network
torch      torch.fake_quantize_*: weights per channel, inputs of layers per tensor, all ranges fixed
straight   the quantized model here: integer codes, fixed ranges
learned    the same with learned scales
taught     the same with learned scales and the float model as teacher of the outputs
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.fine_tuning_peers import folded
from clika_core.backend.interface import Removals
from clika_core.backend.trainable import Setup
from clika_core.demo.data import load_images
from clika_core.pipeline.data import Batches
from clika_core.pipeline.learned_scales import learned_scales
from clika_core.pipeline.quantization import quantize_traced
from clika_core.plugins.registry import backend_named, find_target
from clika_core.settings.model import Settings
from clika_core.training.program import Distillation, QuantizedProgram

Step = Callable[[], None]
CROSS_ENTROPY = nn.functional.cross_entropy


class FakeQuantized(nn.Module):
    """A layer with weights, both operands quantized and dequantized by torch; ranges are those of its weights."""

    def __init__(self, layer: nn.Module, of_input: float) -> None:
        super().__init__()
        self.layer = layer
        weight: Any = layer.weight
        largest = weight.detach().abs().amax(dim=tuple(range(1, weight.dim())))
        self.register_buffer("scale", largest / 127)
        self.register_buffer("zero", torch.zeros(len(largest), dtype=torch.int32))
        self.of_input = of_input

    def forward(self, values: Tensor) -> Tensor:
        values = torch.fake_quantize_per_tensor_affine(values, self.of_input, 0, 0, 255)
        weight = torch.fake_quantize_per_channel_affine(
            self.layer.weight, self.scale, self.zero, 0, -127, 127
        )
        given = {**dict(self.layer.named_parameters()), "weight": weight}
        result: Tensor = torch.func.functional_call(self.layer, given, values)
        return result


def fake_quantized(model: nn.Module, values: Tensor) -> nn.Module:
    """Every convolution and linear layer exchanged, but for the last, which is skipped here too."""
    found = {n: m for n, m in model.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)}
    largest: dict[str, float] = {}

    def watch(name: str) -> Callable[..., None]:
        return lambda _, inputs: largest.__setitem__(name, float(inputs[0].max()))

    hooks = [module.register_forward_pre_hook(watch(name)) for name, module in found.items()]
    with torch.no_grad():
        model(values)
    for hook in hooks:
        hook.remove()
    for name, module in list(found.items())[:-1]:
        model.set_submodule(name, FakeQuantized(module, max(largest[name], 1e-3) / 255))
    return model


def plain(model: nn.Module, values: Tensor, labels: Tensor) -> Step:
    """A step as users write it."""
    optimizer = torch.optim.Adam(model.parameters(), 1e-4)

    def step() -> None:
        CROSS_ENTROPY(model(values), labels).backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def ours(model: nn.Module, values: Tensor, labels: Tensor, *, is_learned: bool, is_taught: bool) -> Step:
    """A step of the trainer's."""
    settings = Settings()
    settings.training_settings.learn_scales = is_learned
    traced = backend_named("torch").trace(model, (values[:2],))
    target = find_target("ort").with_simulated_bits()
    found = quantize_traced(traced, settings, target, Batches(values.numpy(), batch_size=32), lambda _: None)
    learned = learned_scales(
        settings, found.model, found.plan, found.simulation, found.target, found.parameters
    )
    teacher = Distillation(found.model.preprocess(Removals({}))) if is_taught else None
    program = QuantizedProgram(found.simulation, learned, teacher)
    initial = {} if learned is None else learned.initial
    trainable = found.model.trainable(
        Setup(program, lambda o, t: {"ce": CROSS_ENTROPY(o, t)}, learned=initial, learning_rate=1e-4)
    )

    def step() -> None:
        trainable.accumulate(values, labels)
        trainable.apply(1.0)

    return step


def perceptron() -> nn.Module:
    """The linear layers."""
    layers = [nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)]
    return nn.Sequential(*layers).eval()


def convolutional() -> nn.Module:
    """The demo's network."""
    return folded(backend_named("torch").demo_network())


def measure(steps: dict[str, Step], turns: int) -> dict[str, float]:
    """Median processor seconds of each."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(turns + 2):
        for name, step in steps.items():
            started = time.process_time()
            step()
            if turn > 1:
                seconds[name].append(time.process_time() - started)
    return {name: float(np.median(each)) for name, each in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=15)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data = load_images().train
    for name, make, count in (("convolutional", convolutional, 32), ("perceptron", perceptron, 64)):
        values, labels = torch.from_numpy(data.images[:count]), torch.from_numpy(data.labels[:count])
        values = values if name == "convolutional" else values.reshape(count, -1)
        steps = {
            "float": plain(make(), values, labels),
            "torch": plain(fake_quantized(make(), values), values, labels),
            "straight": ours(make(), values, labels, is_learned=False, is_taught=False),
            "learned": ours(make(), values, labels, is_learned=True, is_taught=False),
            "taught": ours(make(), values, labels, is_learned=True, is_taught=True),
        }
        found = measure(steps, given.turns)
        ratios = {way: round(seconds / found["float"], 3) for way, seconds in found.items()}
        print(json.dumps({"network": name, "seconds": found, "over float": ratios}), flush=True)


if __name__ == "__main__":
    main()

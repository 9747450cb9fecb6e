"""Fine-tuning beside Brevitas and torchao: the demo's network, the same batches, steps, optimizer and schedule.

    python -m benchmarks.fine_tuning_peers --bits 2 2 --steps 60 --seed 2

Needs `pip install brevitas torchao`, best in an environment of its own. What each quantizes:

float      nothing: the network with batch norm folded
brevitas   weights of convolutions per channel, activations after ReLU, the images; scales learned from statistics
torchao    what its XNNPACK quantizer annotates, in PT2E: weights per channel, activations of moving ranges

The last linear layer stays float in all, as it does here.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.fine_tuning import WARM_UP, training_parser
from clika_core.demo.data import load_images
from clika_core.plugins.registry import backend_named
from clika_core.training.schedule import LearningRateSchedule

Bits = tuple[int, int]


def floating(_: Bits, __: torch.Tensor) -> nn.Module:
    """The demo's network, folded."""
    return folded(backend_named("torch").demo_network())


def folded(module: nn.Module) -> nn.Module:
    """Batch norms inside the convolutions before them."""
    for child in module.modules():
        if isinstance(getattr(child, "norm", None), nn.BatchNorm2d):
            child.conv, child.norm = fuse_conv_bn_eval(child.conv, child.norm), nn.Identity()
    return module


def brevitas(bits: Bits, images: torch.Tensor) -> nn.Module:
    """Brevitas' layers in the places of torch's."""
    from brevitas.nn import QuantConv2d, QuantIdentity, QuantReLU
    from brevitas.quant import Int8WeightPerChannelFloat

    weights, activations = bits
    model = floating(bits, images)

    def exchanged(module: nn.Module) -> nn.Module:
        for name, child in list(module.named_children()):
            if isinstance(child, nn.Conv2d):
                made = QuantConv2d(
                    child.in_channels,
                    child.out_channels,
                    child.kernel_size,
                    stride=child.stride,
                    padding=child.padding,
                    groups=child.groups,
                    weight_quant=Int8WeightPerChannelFloat,
                    weight_bit_width=weights,
                )
                made.load_state_dict(child.state_dict(), strict=False)
            elif isinstance(child, nn.ReLU | nn.ReLU6):
                made = QuantReLU(bit_width=activations)
            else:
                exchanged(child)
                continue
            setattr(module, name, made)
        return module

    made = nn.Sequential(QuantIdentity(bit_width=max(activations, 2)), exchanged(model)).train()
    with torch.no_grad():
        made(images)  # scales come from the first batch
    return made


def torchao(bits: Bits, images: torch.Tensor) -> nn.Module:
    """PT2E's quantization-aware training, its quantizer told the codes of these bits."""
    from torchao.quantization.pt2e import allow_exported_model_train_eval
    from torchao.quantization.pt2e.quantize_pt2e import prepare_qat_pt2e
    from torchao.testing.pt2e._xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config

    weights, activations = (2**number for number in bits)
    model = floating(bits, images).eval()
    head = next(name for name, child in model.named_modules() if isinstance(child, nn.Linear))
    last = model.get_submodule(head)
    model.set_submodule(head, nn.Identity())
    config = get_symmetric_quantization_config(
        is_per_channel=True,
        is_qat=True,
        act_qmin=-activations // 2,
        act_qmax=activations // 2 - 1,
        weight_qmin=-(weights // 2 - 1),
        weight_qmax=weights // 2 - 1,
    )
    batch = torch.export.Dim("batch", min=1, max=1024)
    exported = torch.export.export(model, (images[:2],), dynamic_shapes=({0: batch},), strict=False).module()
    prepared: nn.Module = prepare_qat_pt2e(exported, XNNPACKQuantizer().set_global(config))
    allow_exported_model_train_eval(prepared)
    with torch.no_grad():
        prepared(images)  # its observers see what calibrates the others
    return nn.Sequential(prepared, last)


MAKERS: Final[dict[str, Callable[[Bits, torch.Tensor], nn.Module]]] = {
    "float": floating,
    "brevitas": brevitas,
    "torchao": torchao,
}


def judge(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Accuracy and mean cross-entropy, in evaluation mode."""
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(part) for part in torch.split(images, 100)])
    model.train()
    loss = float(nn.functional.cross_entropy(logits, labels))
    return float((logits.argmax(1) == labels).float().mean()), loss


def train(model: nn.Module, seed: int, given: argparse.Namespace) -> dict[str, Any]:
    """The curve, and processor seconds per step, as `benchmarks.fine_tuning` has them."""
    data, draws = load_images(), np.random.default_rng(seed)
    images, labels = map(torch.from_numpy, (data.train.images, data.train.labels))
    judged = torch.from_numpy(data.test.images), torch.from_numpy(data.test.labels)
    optimizer = torch.optim.Adam(model.parameters(), given.learning_rate)
    schedule = LearningRateSchedule(warmup_epochs=1, warmup_steps=WARM_UP, num_epochs=1, is_cosine=True)
    curve, seconds = [judge(model, *judged)], []
    for step in range(given.steps):
        rows = draws.choice(len(labels), given.batch_size, replace=False)
        started = time.process_time()
        optimizer.param_groups[0]["lr"] = given.learning_rate * schedule.factor(1, step, given.steps)
        nn.functional.cross_entropy(model(images[rows]), labels[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
        seconds.append(time.process_time() - started)
        if (step + 1) % given.every == 0:
            curve.append(judge(model, *judged))
    return {"curve": curve, "seconds_per_step": float(np.median(seconds))}


def main() -> None:
    parser = training_parser(__doc__)
    parser.add_argument("--tool", action="append", choices=list(MAKERS))
    given = parser.parse_args()
    calibration = torch.from_numpy(load_images().calibration.images)
    for tool in given.tool or MAKERS:
        for seed in given.seed or [0, 1, 2]:
            torch.manual_seed(seed)
            model = MAKERS[tool](tuple(given.bits), calibration)
            print(json.dumps({"tool": tool, "seed": seed, **train(model, seed, given)}), flush=True)


if __name__ == "__main__":
    main()

"""How much of what low bits cost fine-tuning brings back: the demo's network, straight-through and learned scales.

    python benchmarks/fine_tuning.py --bits 3 3 --bits 2 4 --epochs 8 -o benchmarks/results/fine_tuning.md

Every way has the same data in the same order, the same steps and the same optimizer. Accuracy is that of 1,000
images that neither calibrate nor train.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import nn

from clika_compression import Settings, clika_compress
from clika_core.demo.data import DemoData, Split, load_images
from clika_torch.demo_network import demo_network

BATCH_SIZE = 64
WAYS: dict[str, dict[str, Any]] = {
    "straight-through": {},
    "learned scales": {"learn_scales": True},
    "learned scales and distillation": {"learn_scales": True, "distillation": "layers"},
}


def batches(part: Split, *, is_shuffled: bool) -> torch.utils.data.DataLoader[Any]:
    data = torch.utils.data.TensorDataset(torch.from_numpy(part.images), torch.from_numpy(part.labels))
    return torch.utils.data.DataLoader(data, batch_size=BATCH_SIZE, shuffle=is_shuffled)


def accuracy(outputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (outputs.argmax(dim=1) == targets).float().mean()


def run(
    data: DemoData, bits: tuple[int, int], way: dict[str, Any], epochs: int, rate: float
) -> dict[str, Any]:
    """Accuracies after every epoch, that of the float model, and processor seconds of a step."""
    settings = Settings()
    quantization, training = settings.global_quantization_settings, settings.training_settings
    quantization.weights_num_bits, quantization.activations_num_bits = bits
    training.num_epochs, training.learning_rate = epochs, rate
    training.learning_rate_schedule, training.lr_warmup_steps_per_epoch = "cosine", 10
    training.print_interval, training.save_interval = 20, epochs
    for key, value in way.items():
        setattr(training, key, value)
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        path = clika_compress(
            Path(folder) / "outputs",
            settings,
            demo_network(),
            lambda: batches(data.train, is_shuffled=True),
            lambda: batches(data.test, is_shuffled=False),
            None,
            {"cross_entropy": nn.functional.cross_entropy},
            None,
            None,
            {"accuracy": accuracy},
        )
        seconds = time.process_time() - started
        return {**_curve(Path(path)), "seconds": seconds}


def _curve(path: Path) -> dict[str, Any]:
    from clika_core.pipeline.saved_state import SavedState

    history = SavedState.load(path).history
    curve = [values["evaluation"]["accuracy"] for _, values in sorted(history.epochs.items())]
    return {"original": history.original["evaluation"]["accuracy"], "curve": curve}


def recovered(found: dict[str, Any]) -> float:
    """The share of the accuracy lost by quantization that the best epoch brought back."""
    lost = found["original"] - found["curve"][0]
    return (max(found["curve"]) - found["curve"][0]) / lost if lost > 0 else 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bits", nargs=2, type=int, action="append", metavar=("W", "A"))
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--way", action="append", choices=list(WAYS))
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    data, lines = (
        load_images(),
        [
            "| bits | way | after PTQ | after each epoch | best | recovered | s |",
            "|---|---|---|---|---|---|---|",
        ],
    )
    for bits in given.bits or [(3, 3), (2, 4)]:
        for name in given.way or WAYS:
            found = run(data, tuple(bits), WAYS[name], given.epochs, given.learning_rate)
            print(json.dumps({"bits": bits, "way": name, **found}), flush=True)
            curve = " ".join(f"{value:.1%}" for value in found["curve"][1:])
            lines.append(
                f"| W{bits[0]}A{bits[1]} | {name} | {found['curve'][0]:.1%} | {curve} | {max(found['curve']):.1%} "
                f"| {recovered(found):.1%} | {found['seconds']:.0f} |"
            )
    text = "\n".join(lines) + "\n"
    print(text)
    if given.output:
        given.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

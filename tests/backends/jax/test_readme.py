"""What the README shows of JAX runs, in few lines."""

from __future__ import annotations

from typing import Any

import numpy as np

import clika_core as clika
from clika_jax.native_model import leaves
from tests.backends.jax.small_training import trained
from tests.backends.readme_blocks import program_with
from tests.backends.training import patterns


def test_optax_trains_the_quantized_model() -> None:
    program = program_with("import jax, optax")
    images, labels = patterns(32)
    result = clika.compress(trained(epochs=0), calibration_data=images, output_dir=None)
    batches = list(zip(np.split(images, 4), np.split(labels, 4), strict=True))
    names: dict[str, Any] = {"clika": clika, "result": result, "batches": batches}
    exec(compile(program, "README.md", "exec"), names)
    _, *lines = filter(None, program.splitlines())
    assert len(lines) <= 12
    before = dict(leaves(result.model.params))
    for name, array in leaves(names["trained"].params):
        assert (np.asarray(array) != before[name]).any() != name.startswith("ranges."), name

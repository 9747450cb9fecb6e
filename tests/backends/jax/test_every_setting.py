"""Keys of the settings in whose effect the backend has a hand do what they say, or are clear errors.

What the core alone does is tried with PyTorch: see `tests.backends.setting_cases.BACKENDS_OWN`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from clika_jax.backend import JaxBackend
from tests.backends.every_setting import Laboratory, numbers, traced_once
from tests.backends.jax.small_training import cross_entropy
from tests.backends.setting_cases import BACKENDS_OWN, Case, Run, own_cases

ERRORS: Final = {
    "weights_dtype": ("bfloat16", "jax backend does not honour training_settings.weights_dtype"),
    "activations_offloading": (True, "jax backend does not honour training_settings.activations_offloading"),
    "params_offloading": (True, "jax backend does not honour training_settings.params_offloading"),
    "multi_gpu": (True, "needs one process per device"),
    "use_sharding": (True, "and there is one"),
}
CASES: Final = own_cases(ERRORS, is_tried=lambda case: case.value != "float16")


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with traced_once(JaxBackend):
        draws = nnx.Rngs(0)
        layers: list[Any] = [
            nnx.Linear(64, 32, rngs=draws),
            nnx.relu,
            nnx.Linear(32, 16, rngs=draws),
            nnx.relu,
        ]
        model = nnx.Sequential(*layers, nnx.Linear(16, 4, rngs=draws))
        batches = [(jnp.asarray(inputs), jnp.asarray(labels)) for inputs, labels in numbers()]
        yield Laboratory(model, batches, cross_entropy, watched)


@contextmanager
def watched(found: Run) -> Iterator[None]:
    """Counts what is kept for the backward pass: it is what the function that computes it holds."""
    meant = jax.value_and_grad

    def counting(function: Callable[[Any], Any], **more: Any) -> Callable[[Any], Any]:
        def both(trained: Any) -> Any:
            _, backward, _ = jax.vjp(function, trained, has_aux=True)
            found.kept_bytes = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(backward))
            return meant(function, **more)(trained)

        return both

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jax, "value_and_grad", counting)
        yield


def test_there_is_a_case_for_every_key() -> None:
    assert {case.key for case in CASES} | set(ERRORS) >= BACKENDS_OWN


@pytest.mark.nightly
@pytest.mark.parametrize("case", CASES, ids=[f"{case.key}-{case.value}" for case in CASES])
def test_a_key_does_what_it_says(
    case: Case, laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    laboratory.assert_does_what_it_says(case, tmp_path_factory, tmp_path / "outputs")


@pytest.mark.nightly
@pytest.mark.parametrize("key", ERRORS)
def test_a_key_that_cannot_be_honoured_is_an_error(key: str, laboratory: Laboratory, tmp_path: Path) -> None:
    laboratory.assert_refused(tmp_path / "outputs", key, *ERRORS[key])


@pytest.mark.nightly
def test_float16_is_refused(laboratory: Laboratory, tmp_path: Path) -> None:
    laboratory.assert_refused(tmp_path / "outputs", "amp_dtype", "float16", "does not scale losses")

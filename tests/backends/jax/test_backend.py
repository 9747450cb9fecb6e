"""The plugin's face: registered without JAX, honest about what is there, clear about what is missing."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import equinox
import flax.linen
import jax
import jax.numpy as jnp
import pytest
from flax import nnx

import clika_core
import clika_jax
from clika_core.backend.interface import Backend
from clika_core.errors import MissingDependencyError, ModelError
from clika_jax import backend as module
from clika_jax.backend import JaxBackend
from clika_jax.registration import clika_register_backends

WITHOUT_JAX = """
import sys
import clika_jax
from clika_jax.registration import clika_register_backends
(backend,) = clika_register_backends()
assert not backend.accepts(object())
assert backend.accepts(clika_jax.Model(len, {}))
assert "jax" not in sys.modules and "numpy" not in sys.modules, sorted(sys.modules)
"""


def test_registering_and_asking_imports_neither_jax_nor_numpy() -> None:
    folders = (Path(clika_core.__file__).parents[1], Path(module.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    subprocess.run([sys.executable, "-c", WITHOUT_JAX], check=True, env=environment, timeout=60)


def test_the_backend_is_registered() -> None:
    (registered,) = clika_register_backends()
    assert isinstance(registered, Backend)
    assert (registered.name, registered.distribution) == ("jax", "clika-core[jax]")


def test_it_accepts_functions_with_parameters_and_modules_of_flax_and_equinox() -> None:
    models = (
        clika_jax.Model(len, {}),
        flax.linen.Dense(3),
        nnx.Linear(2, 3, rngs=nnx.Rngs(0)),
        equinox.nn.Linear(2, 3, key=jax.random.key(0)),
    )
    assert all(map(JaxBackend().accepts, models))
    assert not any(map(JaxBackend().accepts, (jnp.zeros(1), jax.nn.relu, None, nnx.Linear)))


def test_it_describes_what_is_installed() -> None:
    described = JaxBackend().describe()
    assert (described.name, described.framework, described.problem) == ("jax", "JAX", None)
    assert described.version == metadata.version("jax")
    assert described.devices


def test_without_jax_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingDependencyError, match=r'pip install "clika-core\[jax\]"'):
        JaxBackend().trace(clika_jax.Model(len, {}), ())
    assert "cannot be imported" in str(JaxBackend().describe().problem)


def test_training_the_demo_is_refused_with_the_way_to_do_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="clika demo --train"):
        JaxBackend().train_demo_network(tmp_path, seed=0, progress=print)

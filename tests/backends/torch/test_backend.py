"""The plugin's face: registered without torch, honest about what is there, clear about what is missing."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import torch
from torch import nn

import clika_core
from clika_core.backend.interface import Backend
from clika_core.errors import MissingDependencyError
from clika_torch import backend as module
from clika_torch import demo_training
from clika_torch.backend import TorchBackend
from clika_torch.demo_training import Recipe
from clika_torch.registration import clika_register_backends

WITHOUT_TORCH = """
import sys
from clika_torch.registration import clika_register_backends
(backend,) = clika_register_backends()
assert not backend.accepts(object())
assert "torch" not in sys.modules and "numpy" not in sys.modules, sorted(sys.modules)
"""


def test_registering_and_asking_imports_neither_torch_nor_numpy() -> None:
    folders = (Path(clika_core.__file__).parents[1], Path(module.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH], check=True, env=environment, timeout=60)


def test_the_backend_is_registered() -> None:
    (registered,) = clika_register_backends()
    assert isinstance(registered, Backend)
    assert (registered.name, registered.distribution) == ("torch", "clika-core[torch]")


def test_it_accepts_modules_and_nothing_else() -> None:
    backend = TorchBackend()
    assert backend.accepts(nn.Linear(1, 1))
    assert not any(map(backend.accepts, (torch.zeros(1), nn.Linear, torch.relu, None)))


def test_it_describes_what_is_installed() -> None:
    described = TorchBackend().describe()
    assert (described.name, described.framework, described.problem) == ("torch", "PyTorch", None)
    assert described.version == metadata.version("torch")
    assert described.devices[0] == "cpu"
    assert all(gap.what and gap.why for gap in described.gaps)


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    described = TorchBackend().describe()
    assert described.version is None
    assert described.problem == 'torch is not installed: pip install "clika-core[torch]"'


def test_a_torch_that_cannot_be_imported_is_said_to_be_that(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ImportError(f"{name}: libtorch_cpu.so: cannot open shared object file")

    monkeypatch.setattr(importlib, "import_module", broken)
    described = TorchBackend().describe()
    assert described.problem is not None
    assert "libtorch_cpu.so" in described.problem
    with pytest.raises(MissingDependencyError) as caught:
        TorchBackend().trace(nn.Linear(1, 1), torch.zeros(1, 1))
    assert caught.value.fix == 'pip install "clika-core[torch]"'


def test_a_trace_carries_the_name_and_where_it_came_from() -> None:
    graph = TorchBackend().trace(nn.Linear(1, 1), torch.zeros(1, 1), name="net").graph
    assert (graph.name, graph.backend, graph.framework_version) == ("net", "torch", torch.__version__)
    assert TorchBackend().trace(nn.Linear(1, 1), torch.zeros(1, 1)).graph.name == "Linear"


def test_the_demo_s_network_comes_with_its_trained_weights() -> None:
    network = TorchBackend().demo_network()
    assert isinstance(network, nn.Module)
    assert not network.training
    assert "conv_15" in TorchBackend().trace(network, torch.zeros(1, 1, 28, 28)).graph


def test_the_demo_s_network_is_trained_into_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Path, int, object]] = []

    def train(folder: Path, *, recipe: Recipe, progress: object) -> None:
        asked.append((folder, recipe.seed, progress))

    monkeypatch.setattr(demo_training, "train", train)
    weights = TorchBackend().train_demo_network(tmp_path, seed=7, progress=print)
    assert asked == [(tmp_path, 7, print)]
    assert weights.parent == tmp_path
    assert weights.suffix == ".safetensors"

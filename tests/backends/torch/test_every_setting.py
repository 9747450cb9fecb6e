"""Every key of the settings does what it says in a training, or is a clear error: a case for each.

A case gives a key a value, in a training that is otherwise as `BASE` says, and looks at what came of it beside the
training without. The model is traced once: only its numbers matter here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn

from clika_core.settings.sections import SECTIONS
from clika_torch.backend import TorchBackend
from clika_torch.trainable import TorchTrainable
from tests.backends.every_setting import Laboratory, numbers, traced_once
from tests.backends.setting_cases import CASES, Case, Run

ERRORS: Final = {
    "multi_gpu": (True, "needs one process per device"),
    "use_sharding": (True, "and there is one"),  # with multi_gpu: tests/backends/torch/test_together.py
    "weights_dtype": ("float16", "weights in float16 cannot be trained"),
    "params_offloading": (True, "params_offloading goes with sharding"),  # with it: likewise
}


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with torch.random.fork_rng(devices=[]), traced_once(TorchBackend):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4))
        batches = [(torch.from_numpy(inputs), torch.from_numpy(labels)) for inputs, labels in numbers()]
        yield Laboratory(model.eval(), batches, nn.functional.cross_entropy, watched)


@contextmanager
def watched(found: Run) -> Iterator[None]:
    """Counts what is kept for the backward pass, and passes that keep it elsewhere."""
    entered = TorchTrainable._saved_elsewhere

    def counted(self: TorchTrainable) -> Any:
        context = entered(self)
        found.offloaded += type(context).__name__ == "save_on_cpu"
        return context

    def kept(tensor: Tensor) -> Tensor:
        if not found.steps:
            found.kept_bytes += tensor.nbytes
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(kept, lambda tensor: tensor)
    with pytest.MonkeyPatch.context() as patch, hooks:
        patch.setattr(TorchTrainable, "_saved_elsewhere", counted)
        yield


def test_there_is_a_case_for_every_key() -> None:
    keys = {key for kind in SECTIONS.values() for key in kind.keys}
    assert {case.key for case in CASES} | set(ERRORS) == keys


@pytest.mark.parametrize("case", CASES, ids=[f"{case.key}-{case.value}" for case in CASES])
def test_a_key_does_what_it_says(
    case: Case, laboratory: Laboratory, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    laboratory.assert_does_what_it_says(case, tmp_path_factory, tmp_path / "outputs")


@pytest.mark.parametrize("key", ERRORS)
def test_a_key_that_cannot_be_honoured_is_an_error(key: str, laboratory: Laboratory, tmp_path: Path) -> None:
    laboratory.assert_refused(tmp_path / "outputs", key, *ERRORS[key])

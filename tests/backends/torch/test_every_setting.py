"""Every key of the settings does what it says in a training, or is a clear error: a case for each.

A case gives a key a value, in a training that is otherwise as `BASE` says, and looks at what came of it beside the
training without. The model is traced once: only its numbers matter here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import torch
from torch import Tensor, nn

from clika_compression import Settings, clika_compress
from clika_core.errors import SettingsError
from clika_core.settings.sections import SECTIONS
from clika_torch.backend import TorchBackend
from clika_torch.trainable import TorchTrainable
from tests.backends.torch.setting_cases import CASES, ERRORS, Case, Run

BASE: Final = {
    "num_epochs": 2,
    "stats_steps": 2,
    "lr_warmup_epochs": 0,
    "clip_grad_norm_val": 1e6,
    "print_interval": 2,
}
BATCHES: Final = 4


@cache
def model() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 4)
        ).eval()


@cache
def data() -> list[tuple[Tensor, Tensor]]:
    draws = torch.Generator().manual_seed(1)
    inputs = torch.randn(8 * BATCHES, 64, generator=draws) ** 3  # heavy tails: observers differ
    return list(
        zip(
            torch.split(inputs, 8),
            torch.split(torch.randint(0, 4, (8 * BATCHES,), generator=draws), 8),
            strict=True,
        )
    )


@pytest.fixture(scope="module", autouse=True)
def traced_once() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        found: list[Any] = []
        trace = TorchBackend.trace

        def once(self: TorchBackend, *arguments: Any, **more: Any) -> Any:
            if not found:
                found.append(trace(self, *arguments, **more))
            return found[0]

        patch.setattr(TorchBackend, "trace", once)
        patch.setattr("clika_core.pipeline.fine_tuning.write_results", _only_the_report)
        yield


def _only_the_report(folder: Path, *others: Any) -> None:
    (folder / "clika_report.json").write_text(json.dumps(others[-1], default=str), encoding="utf-8")


def settings(values: Mapping[str, Any]) -> Settings:
    made = Settings()
    for key, value in values.items():
        section = next(name for name, kind in SECTIONS.items() if key in kind.keys)
        setattr(made.section(section), key, value)
    return made


def run(folder: Path, values: Mapping[str, Any]) -> Run:
    """A training of the small model."""
    found = Run(folder)

    def dataset(name: str) -> Any:
        found.made.append(name)
        shuffled = torch.randperm(BATCHES).tolist() if name == "training" else range(BATCHES)

        class Data:
            def __len__(self) -> int:
                return BATCHES

            def __iter__(self) -> Iterator[Any]:
                for number in shuffled:
                    found.drawn.append(name)
                    yield data()[number]

        return Data()

    entered = TorchTrainable._saved_elsewhere

    def counted(self: TorchTrainable) -> Any:
        context = entered(self)
        found.offloaded += type(context).__name__ == "save_on_cpu"
        return context

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TorchTrainable, "_saved_elsewhere", counted)
        clika_compress(
            folder,
            settings(values),
            model(),
            lambda: dataset("training"),
            lambda: dataset("evaluation"),
            training_losses={"loss": nn.functional.cross_entropy},
            callbacks=[found],
        )
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Mapping[str, Any]], Run]:
    """Trainings without the key, each made once."""
    known: dict[str, Run] = {}

    def made(values: Mapping[str, Any]) -> Run:
        name = json.dumps(values, sort_keys=True)
        if name not in known:
            known[name] = run(tmp_path_factory.mktemp("plain") / "outputs", values)
        return known[name]

    return made


def test_there_is_a_case_for_every_key() -> None:
    keys = {key for kind in SECTIONS.values() for key in kind.keys}
    assert {case.key for case in CASES} | set(ERRORS) == keys


@pytest.mark.parametrize("case", CASES, ids=[f"{case.key}-{case.value}" for case in CASES])
def test_a_key_does_what_it_says(
    case: Case, plain: Callable[[Mapping[str, Any]], Run], tmp_path: Path
) -> None:
    base = {**BASE, **case.base}
    changed = run(tmp_path / "outputs", {**base, case.key: case.value})
    assert case.check(plain(base), changed)


@pytest.mark.parametrize("key", ERRORS)
def test_a_key_that_cannot_be_honoured_is_an_error(key: str, tmp_path: Path) -> None:
    value, message = ERRORS[key]
    with pytest.raises(SettingsError, match=message):
        run(tmp_path / "outputs", {**BASE, key: value})

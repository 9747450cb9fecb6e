"""Trainings of a small model in any framework, with a key of the settings changed: see `setting_cases`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest

from clika_compression import Settings, clika_compress
from clika_core.errors import SettingsError
from clika_core.settings.sections import SECTIONS
from tests.backends.setting_cases import Case, Run

BASE: Final = {
    "num_epochs": 2,
    "stats_steps": 2,
    "lr_warmup_epochs": 0,
    "clip_grad_norm_val": 1e6,
    "print_interval": 2,
}
BATCHES: Final = 4


@dataclass
class Laboratory:
    """A model of three linear layers, 64 to 4, with batches of a framework's arrays; runs without a key made once."""

    model: Any
    batches: Sequence[tuple[Any, Any]]
    loss: Callable[[Any, Any], Any]
    watching: Callable[[Run], AbstractContextManager[Any]] = lambda _: nullcontext()
    _known: dict[str, Run] = field(default_factory=dict)

    def run(self, folder: Path, values: Mapping[str, Any]) -> Run:
        """A training with these settings."""
        found = Run(folder)

        def dataset(name: str) -> Any:
            found.made.append(name)
            shuffled = np.random.permutation(BATCHES).tolist() if name == "training" else range(BATCHES)

            class Data:
                def __len__(self) -> int:
                    return BATCHES

                def __iter__(own) -> Iterator[Any]:  # noqa: N805 - `self` is the laboratory
                    for number in shuffled:
                        found.drawn.append(name)
                        yield self.batches[number]

            return Data()

        with self.watching(found):
            clika_compress(
                folder,
                settings(values),
                self.model,
                lambda: dataset("training"),
                lambda: dataset("evaluation"),
                training_losses={"loss": self.loss},
                callbacks=[found],
            )
        return found

    def plain(self, factory: pytest.TempPathFactory, values: Mapping[str, Any]) -> Run:
        """The training without the key."""
        name = json.dumps(values, sort_keys=True)
        if name not in self._known:
            self._known[name] = self.run(factory.mktemp("plain") / "outputs", values)
        return self._known[name]

    def assert_does_what_it_says(self, case: Case, factory: pytest.TempPathFactory, folder: Path) -> None:
        """The training with the case's key is as the case expects, beside the one without it."""
        base = {**BASE, **case.base}
        changed = self.run(folder, {**base, case.key: case.value})
        assert case.check(self.plain(factory, base), changed)

    def assert_refused(self, folder: Path, key: str, value: Any, message: str) -> None:
        """The key is an error that says so."""
        with pytest.raises(SettingsError, match=message):
            self.run(folder, {**BASE, key: value})


def numbers() -> Iterator[tuple[Any, Any]]:
    """Batches of inputs [8, 64] with heavy tails, on which observers differ, and labels [8], as NumPy arrays."""
    draws = np.random.default_rng(1)
    for _ in range(BATCHES):
        yield draws.standard_normal((8, 64)).astype(np.float32) ** 3, draws.integers(0, 4, 8)


def settings(values: Mapping[str, Any]) -> Settings:
    """Settings with these keys, wherever they are."""
    made = Settings()
    for key, value in values.items():
        section = next(name for name, kind in SECTIONS.items() if key in kind.keys)
        setattr(made.section(section), key, value)
    return made


@contextmanager
def traced_once(backend: type) -> Iterator[None]:
    """Inside, the first trace is every trace, and of the results only the report is written."""
    with pytest.MonkeyPatch.context() as patch:
        found: list[Any] = []
        trace = backend.trace  # type: ignore[attr-defined]

        def once(self: Any, *arguments: Any, **more: Any) -> Any:
            if not found:
                found.append(trace(self, *arguments, **more))
            return found[0]

        patch.setattr(backend, "trace", once)
        patch.setattr("clika_core.pipeline.fine_tuning.write_results", _only_the_report)
        yield


def _only_the_report(folder: Path, *others: Any) -> None:
    (folder / "clika_report.json").write_text(json.dumps(others[-1], default=str), encoding="utf-8")

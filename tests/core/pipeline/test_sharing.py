"""Settings and launch have to agree on how many train."""

from __future__ import annotations

from typing import Any

import pytest

from clika_core.backend.workers import ALONE, Workers
from clika_core.errors import SettingsError
from clika_core.pipeline.sharing import workers_for
from clika_core.settings.model import Settings
from clika_loopback.backend import LoopbackBackend
from tests.core.together import ThreadWorkers

TWO = ThreadWorkers(0, 2, None)  # type: ignore[arg-type]


class Launched(LoopbackBackend):
    """A backend that knows of workers."""

    launching = "start two"
    started: Workers = ALONE

    def workers(self) -> Workers:
        return self.started


def asked(**given: bool) -> Settings:
    made = Settings()
    for key, value in given.items():
        setattr(made.distributed_training_settings, key, value)
    return made


def launched(workers: Workers) -> Any:
    backend = Launched()
    object.__setattr__(backend, "started", workers)
    return backend


def test_workers_are_those_that_were_started() -> None:
    assert workers_for(launched(TWO), asked(multi_gpu=True)) is TWO
    assert workers_for(launched(TWO), asked(multi_gpu=True, use_sharding=True)) is TWO
    assert workers_for(launched(ALONE), asked()) is ALONE


@pytest.mark.parametrize(
    ("backend", "settings", "message"),
    [
        (launched(ALONE), asked(multi_gpu=True), "needs one process per device"),
        (launched(TWO), asked(), "2 processes were started together"),
        (launched(TWO), asked(use_sharding=True), "there is one"),
        (LoopbackBackend(), asked(multi_gpu=True), "the loopback backend does not honour"),
    ],
)
def test_a_launch_that_is_not_what_was_asked_for_is_told(
    backend: Any, settings: Settings, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        workers_for(backend, settings)

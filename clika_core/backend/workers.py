"""`Workers`: the processes that share one training. A backend supplies one operation, the core does the rest.

Every worker runs the same program on its share of every batch, makes the same decisions from merged statistics,
and reaches every call of `gather` in the same order. The first one alone writes files, logs, and calls callbacks.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar, final

from clika_core import errors
from clika_core.errors import ClikaError

T = TypeVar("T")


class Workers(ABC):
    """`count` processes, this one being number `rank`, from 0."""

    rank: int
    count: int

    @abstractmethod
    def gather(self, message: bytes) -> Sequence[bytes]:
        """Every worker's message, by rank; the same in every worker."""

    def is_divided(self, dataset: Any) -> bool:
        """Whether a dataset of the user's gives each worker batches of its own already."""
        return False

    def begin_epoch(self, dataset: Any, epoch: int) -> None:
        """Tell a divided dataset which epoch begins, where it wants to know."""
        return

    @final
    @property
    def is_first(self) -> bool:
        """Whether this worker is the one that writes."""
        return self.rank == 0

    @final
    def told(self, value: Any) -> list[Any]:
        """What every worker says, by rank: plain JSON, floats to the last bit."""
        return [json.loads(text) for text in self.gather(json.dumps(value).encode())]

    @final
    def once(self, action: Callable[[], T]) -> T | None:
        """Let the first worker do something, and wait for it; what it raises is raised in all. None in the others."""
        result, raised = None, None
        if self.is_first:
            try:
                result = action()
            except ClikaError as error:
                raised = error
        said = self.told(None if raised is None else _to_json(raised))[0]
        if raised is not None:
            raise raised
        if said is not None:
            raise _from_json(said)
        return result

    @final
    def agree(self, what: str, value: Any) -> None:
        """Raise ModelError unless every worker has the same `value`, plain JSON."""
        values = self.told(value)
        other = next((rank for rank, found in enumerate(values) if found != values[0]), None)
        if other is not None:
            raise errors.ModelError(
                f"the workers differ in {what}",
                found=f"worker 0: {_short(values[0])}; worker {other}: {_short(values[other])}",
                fix="start the same program everywhere: model, settings and data may not depend on the rank",
            )


@final
class Alone(Workers):
    """One process."""

    rank = 0
    count = 1

    def gather(self, message: bytes) -> Sequence[bytes]:
        """The message itself."""
        return [message]


ALONE: Final = Alone()


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _to_json(error: ClikaError) -> list[str | None]:
    return [type(error).__name__, error.message, error.found, error.expected, error.fix]


def _from_json(said: Sequence[Any]) -> ClikaError:
    kind = getattr(errors, said[0], ClikaError)
    raised: ClikaError = kind(said[1], found=said[2], expected=said[3], fix=said[4])
    return raised

"""`Entry`: one architecture that people use; `Zoo`: all that one backend has, and what measuring must know of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from clika_core.backend.interface import Array
from clika_core.testing import BackendHarness


@dataclass(frozen=True)
class Entry:
    """`make()` builds the model, `inputs(n)` a batch of n samples as it takes them; `family` names where it is from.

    Both give the same at every call: the model is built with random weights from one seed, in evaluation mode, with
    the statistics of its norms as after some training. `is_everyday` entries are tried in the default tests, all in
    the nightly ones.
    """

    name: str
    family: str
    make: Callable[[], Any]
    inputs: Callable[[int], Any]
    is_everyday: bool = False


class Zoo(ABC):
    """The architectures of one backend. `tests/backends/<backend>/zoo/catalogue.py` holds one as `ZOO`.

    `capture` is the dotted name, as the backend's tracing looks it up, of the function in which the framework's own
    capture runs: tracing's other time is ours. `known_failures` maps a name to what its error says and why that is
    so: whoever reads the table must learn why a model is not in it.
    """

    harness: BackendHarness
    capture: ClassVar[str]
    frameworks: ClassVar[tuple[str, ...]]
    """Distributions whose versions the page names."""
    packages: ClassVar[tuple[str, ...]] = ()
    """Import names of the packages that bring most of the entries."""
    known_failures: ClassVar[Mapping[str, tuple[str, str]]] = MappingProxyType({})

    @abstractmethod
    def entries(self) -> tuple[Entry, ...]:
        """Those that need no package, and the others where their packages are."""

    def model(self, entry: Entry) -> Any:
        """The model, ready to be traced."""
        return entry.make()

    def widened(self, model: Any, inputs: Any) -> tuple[Any, Any] | None:
        """A copy of the model, and the inputs, in float64; None where the framework has no such thing."""
        return None

    def call(self, model: Any, inputs: Any) -> Any:
        """The model's own result."""
        return self.harness.call(model, inputs)

    def leaves(self, result: Any) -> Iterator[Array]:
        """The arrays in a result, in order."""
        return self.harness.leaves(result)

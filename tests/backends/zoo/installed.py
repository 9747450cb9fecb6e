"""Which backends have a zoo: a new one is a new folder `tests/backends/<backend>/zoo` with a catalogue."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tests.backends.zoo.entry import Zoo

_FOLDER = Path(__file__).parents[1]


def zoo_names() -> tuple[str, ...]:
    """The backends that have a zoo."""
    return tuple(sorted(path.parents[1].name for path in _FOLDER.glob("*/zoo/catalogue.py")))


def zoo_of(backend: str) -> Zoo:
    """The zoo of a backend. Imports the framework."""
    zoo: Zoo = import_module(f"tests.backends.{backend}.zoo.catalogue").ZOO
    return zoo


def has_packages(zoo: Zoo) -> bool:
    """Whether the packages that bring most entries are installed, as in `tox -e models`."""
    return all(find_spec(name) is not None for name in zoo.packages)

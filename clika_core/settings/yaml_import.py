"""Imports PyYAML in half the time: its regular expressions are compiled when they are first used.

PyYAML compiles some fifteen while it is imported, one over all of Unicode; that takes longer than the rest of it. The
parser written in C, which is what reads settings, uses none of them.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


class LazyPattern:
    """A regular expression that is compiled when something of it is asked for."""

    def __init__(self, *given: Any, **named: Any) -> None:
        """Take what `re.compile` takes."""
        self._given = given, named

    def __getattr__(self, name: str) -> Any:
        """An attribute of the compiled expression."""
        given, named = self._given
        pattern = re.compile(*given, **named)
        self.__dict__.update({known: getattr(pattern, known) for known in dir(pattern) if known[0] != "_"})
        return getattr(pattern, name)


def import_yaml() -> ModuleType:
    """The module `yaml`. Where other threads run, which may compile expressions of their own, it is just imported."""
    if "yaml" not in sys.modules and _is_alone():
        with _lazy_patterns():
            import yaml
    import yaml

    return yaml


def _is_alone() -> bool:
    threading = sys.modules.get("threading")
    return threading is None or threading.active_count() == 1


@contextmanager
def _lazy_patterns() -> Iterator[None]:
    compile_now = re.compile
    re.compile = LazyPattern  # type: ignore[assignment]
    try:
        yield
    finally:
        re.compile = compile_now

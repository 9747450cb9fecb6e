"""What `clika` loads through the entry point `loopback`. It runs on every command, and imports no NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from clika_core.backend.interface import Backend
from clika_core.plugins.hooks import hookimpl
from clika_core.targets.target import Target
from clika_loopback.backend import LoopbackBackend
from clika_loopback.command import census
from clika_loopback.target import EDGE

if TYPE_CHECKING:
    from clika_core.observers import Observer
    from clika_linter.entry import RuleEntry


@hookimpl
def clika_register_backends() -> Sequence[Backend]:
    """The backend over NumPy."""
    return [LoopbackBackend()]


@hookimpl
def clika_register_targets() -> Sequence[Target]:
    """onnxruntime with one scale for each weight."""
    return [EDGE]


@hookimpl
def clika_register_observers() -> Sequence[tuple[str, Callable[[], Observer]]]:
    """The observer `power_of_two`."""
    return [("power_of_two", _power_of_two)]


@hookimpl
def clika_register_commands() -> Sequence[click.Command]:
    """`clika census`."""
    return [census]


@hookimpl
def clika_register_lint_rules() -> Sequence[RuleEntry]:
    """LOOP001, imported only when somebody asks for rules."""
    from clika_linter.entry import RuleEntry
    from clika_loopback.lint_rule import OneScaleForManyChannels

    return [RuleEntry.of(OneScaleForManyChannels)]


def _power_of_two() -> Observer:
    from clika_loopback.observer import PowerOfTwoObserver

    return PowerOfTwoObserver()

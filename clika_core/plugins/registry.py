"""What the plugins registered: targets, backends, observers, commands. Two items with one name are an error."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from clika_core.errors import ModelError, PluginError, SettingsError, TargetError, nearest
from clika_core.plugins.manager import plugins

if TYPE_CHECKING:
    import click

    from clika_core.backend.interface import Backend
    from clika_core.observers import Observer
    from clika_core.plugins.command_entry import CommandEntry
    from clika_core.targets.target import Target


@cache
def targets() -> dict[str, Target]:
    """The deployment targets by name."""
    return _by_name("clika_register_targets", lambda target: str(target.name))


@cache
def backends() -> dict[str, Backend]:
    """The backends by name; none of their frameworks is imported by this."""
    return _by_name("clika_register_backends", lambda backend: str(backend.name))


@cache
def observers() -> dict[str, Callable[[], Observer]]:
    """Factories of observers by name: the built-in ones and those of plugins. Imports NumPy."""
    from clika_core.observers import OBSERVERS

    added = _by_name("clika_register_observers", lambda pair: str(pair[0]))
    return {**OBSERVERS, **{name: pair[1] for name, pair in added.items()}}


def observer_named(name: str) -> Callable[[], Observer]:
    """The factory of the observer of that name. Raises SettingsError with the names there are."""
    found = observers().get(name)
    if found is None:
        raise SettingsError(f"there is no observer {name!r}", expected=", ".join(observers()))
    return found


@cache
def commands() -> dict[str, click.Command | CommandEntry]:
    """The commands that plugins add to `clika`."""
    return _by_name("clika_register_commands", lambda command: str(command.name))


def find_target(name: str | Target) -> Target:
    """The target of that name, or the target itself. Raises TargetError with the nearest names."""
    if not isinstance(name, str):
        return name
    found = targets().get(name)
    if found is None:
        close = nearest(name, list(targets()))
        raise TargetError(
            f"there is no deployment target {name!r}",
            expected=", ".join(targets()),
            fix=f"did you mean {' or '.join(map(repr, close))}?" if close else None,
        )
    return found


def find_backend(model: Any) -> Backend:
    """The backend whose model this is. Raises ModelError where there is none."""
    accepting = [backend for backend in backends().values() if backend.accepts(model)]
    if len(accepting) == 1:
        return accepting[0]
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    if accepting:
        names = ", ".join(backend.name for backend in accepting)
        raise PluginError(
            f"more than one backend accepts a {kind}: {names}", fix="uninstall or disable all but one"
        )
    raise ModelError(
        f"no backend takes a {kind}",
        expected=f"a model of: {', '.join(backends()) or 'no backend is installed'}",
        fix="see `clika backends`",
    )


def backend_named(name: str) -> Backend:
    """The backend of that name. Raises ModelError with the names there are."""
    found = backends().get(name)
    if found is None:
        raise ModelError(
            f"there is no backend {name!r}",
            expected=", ".join(backends()) or "none is installed",
            fix="see `clika backends`",
        )
    return found


def _by_name(hook: str, name_of: Callable[[Any], str]) -> dict[str, Any]:
    found: dict[str, tuple[str, Any]] = {}
    for plugin, item in plugins().collect(hook):
        name = name_of(item)
        if name in found:
            raise PluginError(
                f"plugins {found[name][0]!r} and {plugin!r} both register {name!r}",
                fix=f"uninstall one, or set CLIKA_DISABLE_PLUGINS={plugin}",
            )
        found[name] = (plugin, item)
    return {name: item for name, (_, item) in found.items()}

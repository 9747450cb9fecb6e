"""What the plugins registered: targets, backends, observers, commands.

What is wrong with a plugin never keeps others from working: `problems` tells all of it. A name that two strangers
register belongs to neither: asking for it is an error that names both. No stranger can take a name of the project.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from clika_core.diagnostics import Diagnostic
from clika_core.errors import ClikaError, ModelError, PluginError, SettingsError, TargetError, nearest
from clika_core.frozen import frozen
from clika_core.plugins.checks import name_of, problem_of
from clika_core.plugins.guard import told
from clika_core.plugins.manager import LoadedPlugins, plugins
from clika_core.settings.sections import OBSERVER_NAMES

if TYPE_CHECKING:
    import click

    from clika_core.backend.interface import Backend
    from clika_core.observers import Observer
    from clika_core.plugins.command_entry import CommandEntry
    from clika_core.targets.target import Target

_Error = TypeVar("_Error", bound=ClikaError)

HOOKS: Final = (
    "clika_register_backends",
    "clika_register_targets",
    "clika_register_observers",
    "clika_register_commands",
)


@frozen(slots=False)
class Registered:
    """The items of one hook by name, the plugin that each is from, and what could not be taken.

    `contested` maps names to the plugins that both claim them.
    """

    items: Mapping[str, Any]
    plugins: Mapping[str, str]
    contested: Mapping[str, tuple[str, ...]]
    diagnostics: tuple[Diagnostic, ...]


def gather(loaded: LoadedPlugins, hook: str) -> Registered:
    """What all plugins return from `hook`, checked."""
    given, broken = loaded.try_collect(hook)
    found: dict[str, list[tuple[str, Any]]] = {}
    for plugin, item in given:
        problem = problem_of(hook, item)
        if problem:
            broken.append(loaded.plugin(plugin).broken(problem))
        else:
            found.setdefault(name_of(hook, item), []).append((plugin, item))
    contested = {name: claims for name, claims in found.items() if len(claims) > 1}
    for name, ((first, _), *others) in contested.items():
        for plugin, _ in others:
            problem = f"registers {name!r}, which plugin {first!r} registers too"
            broken.append(loaded.plugin(plugin).broken(problem))
    kept = {
        name: claims[0]
        for name, claims in found.items()
        if len(claims) == 1 or loaded.plugin(claims[0][0]).is_own
    }
    return Registered(
        {name: item for name, (_, item) in sorted(kept.items(), key=lambda pair: pair[1][0])},
        {name: plugin for name, (plugin, _) in kept.items()},
        {name: tuple(p for p, _ in claims) for name, claims in contested.items() if name not in kept},
        tuple(broken),
    )


@cache
def registered(hook: str) -> Registered:
    """What the installed plugins return from `hook`."""
    return gather(plugins(), hook)


def problems(loaded: LoadedPlugins | None = None) -> tuple[Diagnostic, ...]:
    """Everything that is wrong with plugins, whether they could be loaded or not."""
    if loaded is None:
        return (*plugins().diagnostics, *(found for hook in HOOKS for found in registered(hook).diagnostics))
    if all(plugin.is_own for plugin in loaded.plugins):
        return loaded.diagnostics
    return (*loaded.diagnostics, *(found for hook in HOOKS for found in gather(loaded, hook).diagnostics))


@cache
def targets() -> dict[str, Target]:
    """The deployment targets by name."""
    found = registered("clika_register_targets")
    return {name: _trusted_or_shielded(target, found.plugins[name]) for name, target in found.items.items()}


def _trusted_or_shielded(target: Target, plugin: str) -> Target:
    owner = plugins().plugin(plugin)
    if owner.is_own:
        return target
    from clika_core.plugins.strangers import shielded_target

    return shielded_target(target, plugin, owner.point.distribution)


def backends() -> dict[str, Backend]:
    """The backends by name; none of their frameworks is imported by this."""
    return dict(registered("clika_register_backends").items)


@cache
def observers() -> dict[str, Callable[[], Observer]]:
    """Factories of observers by name: the built-in ones and those of plugins. Imports NumPy."""
    from clika_core.observers import OBSERVERS

    added = registered("clika_register_observers").items
    return {**OBSERVERS, **{name: pair[1] for name, pair in added.items() if name not in OBSERVERS}}


def observer_named(name: str) -> Callable[[], Observer]:
    """The factory of the observer of that name. Raises SettingsError with the nearest names."""
    check_observer_name(name)
    return observers()[name]


def check_observer_name(name: str) -> None:
    """Raise SettingsError, with the nearest names, where there is no such observer. Imports no NumPy."""
    _refuse_contested("clika_register_observers", name)
    known = list(dict.fromkeys((*OBSERVER_NAMES, *registered("clika_register_observers").items)))
    if name not in known:
        raise _unknown(SettingsError, "observer", name, known)


def commands() -> dict[str, click.Command | CommandEntry]:
    """The commands that plugins add to `clika`."""
    return dict(registered("clika_register_commands").items)


def find_target(name: str | Target) -> Target:
    """The target of that name, or the target itself. Raises TargetError with the nearest names."""
    if not isinstance(name, str):
        return name
    _refuse_contested("clika_register_targets", name)
    found = targets().get(name)
    if found is None:
        raise _unknown(TargetError, "deployment target", name, list(targets()))
    return found


def find_backend(model: Any) -> Backend:
    """The backend whose model this is. Raises ModelError where there is none."""
    failed: list[str] = []
    accepting = [backend for backend in backends().values() if _accepts(backend, model, failed)]
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
        found="; ".join(failed) or _broken_plugins(),
        expected=f"a model of: {', '.join(backends()) or 'no backend is installed'}",
        fix="see `clika backends`",
    )


def backend_named(name: str) -> Backend:
    """The backend of that name. Raises ModelError with the names there are."""
    _refuse_contested("clika_register_backends", name)
    found = backends().get(name)
    if found is None:
        raise ModelError(
            f"there is no backend {name!r}",
            found=_broken_plugins(),
            expected=", ".join(backends()) or "none is installed",
            fix="see `clika backends`",
        )
    return found


def _accepts(backend: Backend, model: Any, failed: list[str]) -> bool:
    """Whether the model is this backend's; a stranger that cannot tell is added to `failed`."""
    plugin = registered("clika_register_backends").plugins[backend.name]
    if plugins().plugin(plugin).is_own:
        return backend.accepts(model)
    try:
        return bool(backend.accepts(model))
    except Exception as error:  # noqa: BLE001 - another backend may take the model
        failed.append(f"backend {backend.name!r} of plugin {plugin!r} cannot tell: {told(error)}")
        return False


def _refuse_contested(hook: str, name: str) -> None:
    claims = registered(hook).contested.get(name)
    if claims:
        raise PluginError(
            f"plugins {' and '.join(map(repr, claims))} both register {name!r}",
            fix=f"uninstall one, or set CLIKA_DISABLE_PLUGINS={claims[-1]}",
        )


def _unknown(error: type[_Error], kind: str, name: str, known: list[str]) -> _Error:
    """What is said of a name that nothing has, with the nearest ones."""
    close = nearest(name, known)
    return error(
        f"there is no {kind} {name!r}",
        found=_broken_plugins(),
        expected=", ".join(known),
        fix=f"did you mean {' or '.join(map(repr, close))}?" if close else None,
    )


def _broken_plugins() -> str | None:
    """What may be missing because its plugin is broken, to be said beside "there is no such thing"."""
    names = list(dict.fromkeys(found.related[0] for found in problems()))
    return f"broken plugins: {', '.join(names)} (see `clika backends`)" if names else None

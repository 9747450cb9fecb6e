"""Loads the plugins of the entry-point group `clika`, one by one: a broken one is named, all others work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import pluggy

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.frozen import frozen
from clika_core.plugins import hooks
from clika_core.plugins.installed import PluginPoint, installed_points

DISABLE = "CLIKA_DISABLE_PLUGINS"  # names of entry points, separated by commas


@frozen(slots=False)
class LoadedPlugins:
    """The registered plugins by name, ready for hook calls, and what was wrong with the others.

    `points` are the entry points of those that are registered.
    """

    manager: pluggy.PluginManager
    diagnostics: tuple[Diagnostic, ...]
    points: tuple[PluginPoint, ...] = ()

    def collect(self, hook: str) -> list[tuple[str, Any]]:
        """Pairs of plugin name and item, over all plugins that implement `hook`, sorted by plugin name."""
        found = [(plugin, item) for plugin, returned in self._calls(hook) for item in returned()]
        return sorted(found, key=lambda pair: pair[0])

    def try_collect(self, hook: str) -> tuple[list[tuple[str, Any]], list[Diagnostic]]:
        """As `collect`; a plugin whose hook raises is left out and named in a diagnostic."""
        found: list[tuple[str, Any]] = []
        broken = []
        for plugin, returned in sorted(self._calls(hook), key=lambda pair: pair[0]):
            items: list[Any] = []
            problem = _try(lambda items=items, returned=returned: items.extend(returned()))  # type: ignore[misc]
            if problem:
                message = f"plugin {plugin!r} fails in {hook}: {problem}"
                broken.append(Diagnostic("broken-plugin", Severity.WARNING, message, related=(plugin,)))
            else:
                found += [(plugin, item) for item in items]
        return found, broken

    def _calls(self, hook: str) -> list[tuple[str, Callable[[], Iterable[Any]]]]:
        caller = getattr(self.manager.hook, hook)
        return [(impl.plugin_name, impl.function) for impl in caller.get_hookimpls()]


@cache
def plugins() -> LoadedPlugins:
    """All installed plugins, loaded once per process."""
    return load(installed_points(hooks.GROUP), os.environ.get(DISABLE, ""))


def load(points: Iterable[PluginPoint], disabled: str = "") -> LoadedPlugins:
    """Load entry points in order of their names; `disabled` names some to leave out, separated by commas."""
    manager = pluggy.PluginManager(hooks.GROUP)
    manager.add_hookspecs(hooks)
    left_out = {name.strip() for name in disabled.split(",")}
    diagnostics: list[Diagnostic] = []
    registered = []
    for point in sorted(points, key=lambda point: (point.name, point.distribution)):
        if point.name not in left_out:
            problem = _try(lambda point=point: _register(manager, point))  # type: ignore[misc]
            if problem:
                diagnostics.append(_broken(point, problem))
            else:
                registered.append(point)
    return LoadedPlugins(manager, tuple(diagnostics), tuple(registered))


def _register(manager: pluggy.PluginManager, point: PluginPoint) -> None:
    """Import a plugin and register it; whatever is wrong with it leaves the manager as it was."""
    if manager.has_plugin(point.name):
        raise ValueError(f"another plugin is named {point.name!r} too")
    module = point.load()
    manager.register(module, name=point.name)
    try:
        manager.check_pending()
    except BaseException:
        manager.unregister(module)
        raise


def _try(action: Callable[[], None]) -> str | None:
    """Run `action`; what it raised in one line, or None. A plugin may even call sys.exit."""
    try:
        action()
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001 - whatever a plugin does, the others go on
        return f"{type(problem).__name__}: {' '.join(str(problem).split())}"
    return None


def _broken(point: PluginPoint, problem: str) -> Diagnostic:
    return Diagnostic(
        "broken-plugin",
        Severity.WARNING,
        f"plugin {point.name!r} of {point.distribution} could not be loaded: {problem}",
        related=(point.name, point.distribution),
        help=f"set {DISABLE}={point.name}, or install another release of {point.distribution}",
    )

"""Finds what the plugins of the entry-point group `clika` implement; a broken one is named, all others work.

pluggy examines a plugin when it is new or its file has changed (`examination`). A plugin is imported when one of its
hooks is called, so that a command loads only those it needs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.frozen import frozen
from clika_core.plugins.installed import GROUP, PluginPoint, installed_points
from clika_core.plugins.remembered import Remembered

DISABLE = "CLIKA_DISABLE_PLUGINS"  # names of entry points, separated by commas


@frozen
class Plugin:
    """A plugin that was examined: its functions by the hook that each implements."""

    point: PluginPoint
    functions: Mapping[str, str]

    def items(self, hook: str) -> list[Any]:
        """Import the plugin and call the hook, which it must implement."""
        return list(getattr(self.point.load(), self.functions[hook])())


@frozen
class LoadedPlugins:
    """The plugins that work, by name, and what is wrong with the others."""

    plugins: tuple[Plugin, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def points(self) -> tuple[PluginPoint, ...]:
        """The entry points of the plugins that work."""
        return tuple(plugin.point for plugin in self.plugins)

    def collect(self, hook: str) -> list[tuple[str, Any]]:
        """Pairs of plugin name and item, over all plugins that implement `hook`, sorted by plugin name."""
        return [(plugin.point.name, item) for plugin in self._with(hook) for item in plugin.items(hook)]

    def try_collect(self, hook: str) -> tuple[list[tuple[str, Any]], list[Diagnostic]]:
        """As `collect`; a plugin whose hook raises is left out and named in a diagnostic."""
        found: list[tuple[str, Any]] = []
        broken = []
        for plugin in self._with(hook):
            name = plugin.point.name
            items, problem = _try(lambda plugin=plugin: plugin.items(hook))  # type: ignore[misc]
            if problem:
                message = f"plugin {name!r} fails in {hook}: {problem}"
                broken.append(Diagnostic("broken-plugin", Severity.WARNING, message, related=(name,)))
            else:
                found += [(name, item) for item in items]
        return found, broken

    def _with(self, hook: str) -> list[Plugin]:
        return [plugin for plugin in self.plugins if hook in plugin.functions]


@cache
def plugins() -> LoadedPlugins:
    """All installed plugins, found once per process."""
    remembered = Remembered()
    found = load(installed_points(GROUP), os.environ.get(DISABLE, ""), remembered)
    remembered.save()
    return found


def load(
    points: Iterable[PluginPoint], disabled: str = "", remembered: Remembered | None = None
) -> LoadedPlugins:
    """Examine entry points in order of their names; `disabled` names some to leave out, separated by commas."""
    left_out = {name.strip() for name in disabled.split(",")}
    found: dict[str, Plugin] = {}
    diagnostics: list[Diagnostic] = []
    for point in sorted(points, key=lambda point: (point.name, point.distribution)):
        if point.name in left_out:
            continue
        functions, problem = _functions(point, remembered)
        if point.name in found:
            problem = f"another plugin is named {point.name!r} too"
        if problem:
            diagnostics.append(_broken(point, problem))
        else:
            found[point.name] = Plugin(point, functions)
    return LoadedPlugins(tuple(found.values()), tuple(diagnostics))


def _functions(point: PluginPoint, remembered: Remembered | None) -> tuple[Mapping[str, str], str | None]:
    """The functions of a plugin by hook, and what is wrong with it, or None."""
    known = remembered.get(point) if remembered else None
    if known is not None:
        return known, None
    from clika_core.plugins.examination import examine

    found, problem = _try(lambda: examine(point))
    if problem is None and remembered:
        remembered.put(point, found)
    return found or {}, problem


def _try(action: Callable[[], Any]) -> tuple[Any, str | None]:
    """What `action` returns and None, or None and what it raised in one line. A plugin may even call sys.exit."""
    try:
        return action(), None
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001 - whatever a plugin does, the others go on
        return None, f"{type(problem).__name__}: {' '.join(str(problem).split())}"


def _broken(point: PluginPoint, problem: str) -> Diagnostic:
    return Diagnostic(
        "broken-plugin",
        Severity.WARNING,
        f"plugin {point.name!r} of {point.distribution} could not be loaded: {problem}",
        related=(point.name, point.distribution),
        help=f"set {DISABLE}={point.name}, or install another release of {point.distribution}",
    )

"""Finds what the plugins of the entry-point group `clika` implement; a broken one is named, all others work.

pluggy examines a plugin when it is new or its file has changed (`examination`). A plugin is imported when one of its
hooks is called, so that a command loads only those it needs. A stranger's code runs guarded (`guard`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, Final

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.frozen import frozen
from clika_core.plugins.checks import items_of
from clika_core.plugins.guard import PATIENCE_SECONDS, Ran, run_guarded, run_trusted, shortened
from clika_core.plugins.installed import GROUP, PluginPoint, installed_points
from clika_core.plugins.remembered import Remembered

DISABLE: Final = "CLIKA_DISABLE_PLUGINS"  # names of entry points, separated by commas
PATIENCE: Final = "CLIKA_PLUGIN_SECONDS"  # how long a plugin may take to load, or to answer a hook
OWN: Final = "clika-core"


@frozen
class Plugin:
    """A plugin that was examined: its functions by the hook that each implements."""

    point: PluginPoint
    functions: Mapping[str, str]

    @property
    def is_own(self) -> bool:
        """Whether the plugin is the project's."""
        return self.point.distribution == OWN

    def items(self, hook: str) -> list[Any]:
        """Import the plugin and call the hook, which it must implement."""
        return items_of(getattr(self.point.load(), self.functions[hook])())

    def broken(self, problem: str) -> Diagnostic:
        """A finding about the plugin; `problem` goes on after its name."""
        return _broken(self.point, problem)


@frozen
class LoadedPlugins:
    """The plugins that work, by name, and what is wrong with the others."""

    plugins: tuple[Plugin, ...]
    diagnostics: tuple[Diagnostic, ...]

    @property
    def points(self) -> tuple[PluginPoint, ...]:
        """The entry points of the plugins that work."""
        return tuple(plugin.point for plugin in self.plugins)

    def plugin(self, name: str) -> Plugin:
        """The plugin of that name, which must be one that works."""
        return next(plugin for plugin in self.plugins if plugin.point.name == name)

    def try_collect(self, hook: str) -> tuple[list[tuple[str, Any]], list[Diagnostic]]:
        """Pairs of plugin name and item, over all plugins that implement `hook`, the project's own first.

        A plugin whose hook raises, hangs or returns no list is left out and named in a diagnostic.
        """
        found: list[tuple[str, Any]] = []
        broken = []
        for plugin in self.plugins:
            if hook not in plugin.functions:
                continue
            ran = _run(plugin.point, lambda plugin=plugin: plugin.items(hook))  # type: ignore[misc]
            if ran.problem:
                broken.append(plugin.broken(f"fails in {hook}: {ran.problem}"))
            else:
                found += [(plugin.point.name, item) for item in ran.value]
            if ran.printed:
                broken.append(plugin.broken(_printed(f"in {hook}", ran)))
        return found, broken


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
    """Examine entry points in order of their names; `disabled` names some to leave out, separated by commas.

    The project's own come first, so that no stranger can take their names.
    """
    left_out = {name.strip() for name in disabled.split(",")}
    found: dict[str, Plugin] = {}
    diagnostics: list[Diagnostic] = []
    for point in sorted(points, key=lambda point: (point.distribution != OWN, *point)):
        if point.name in left_out:
            continue
        if point.name in found:
            twin = _origin(found[point.name].point)
            diagnostics.append(_broken(point, f"is left out: {twin} has a plugin of that name too"))
            continue
        ran = _examined(point, remembered)
        if ran.problem:
            diagnostics.append(_broken(point, f"could not be loaded: {ran.problem}{_asked_for(point)}"))
        else:
            found[point.name] = Plugin(point, ran.value)
        if ran.printed:
            diagnostics.append(_broken(point, _printed("while it was loaded", ran)))
    return LoadedPlugins(tuple(found.values()), tuple(diagnostics))


def _examined(point: PluginPoint, remembered: Remembered | None) -> Ran:
    """The functions of a plugin by hook, or what is wrong with it."""
    known = remembered.get(point) if remembered else None
    if known is not None:
        return Ran(known, None, "")
    from clika_core.plugins.examination import examine

    ran = _run(point, lambda: examine(point))
    if ran.problem is None and remembered:
        remembered.put(point, ran.value)
    return ran


def _run(point: PluginPoint, action: Callable[[], Any]) -> Ran:
    return run_trusted(action) if point.distribution == OWN else run_guarded(action, patience_seconds())


def patience_seconds() -> float:
    """How long a plugin may take: CLIKA_PLUGIN_SECONDS, where that is a positive number."""
    try:
        asked = float(os.environ.get(PATIENCE, ""))
    except ValueError:
        return PATIENCE_SECONDS
    return asked if 0 < asked < float("inf") else PATIENCE_SECONDS


def _asked_for(point: PluginPoint) -> str:
    """Which release of this project the plugin was made for, where its metadata limit that; else nothing."""
    import re  # here, as all of this: only something broken pays for it
    from importlib import metadata

    from clika_core import __version__

    try:
        requirements = metadata.requires(point.distribution) or []
    except metadata.PackageNotFoundError:
        return ""
    own = re.compile(r"clika[-_.]core\s*(?:\[[^]]*\])?\s*\(?([<>=!~][^;)]*)", re.IGNORECASE)
    limits = [found[1].strip() for found in map(own.match, requirements) if found]
    return f" (it asks for {OWN} {limits[0]}, and this is {__version__})" if limits else ""


def _printed(when: str, ran: Ran) -> str:
    return f"printed {shortened(ran.printed)} {when}; that was kept off standard output"


def _origin(point: PluginPoint) -> str:
    """`acme-clika 1.0`."""
    return f"{point.distribution} {point.version}".strip()


def _broken(point: PluginPoint, problem: str) -> Diagnostic:
    return Diagnostic(
        "broken-plugin",
        Severity.WARNING,
        f"plugin {point.name!r} of {_origin(point)} {problem}",
        related=(point.name, point.distribution),
        help=f"set {DISABLE}={point.name}, or install another release of {point.distribution}",
    )

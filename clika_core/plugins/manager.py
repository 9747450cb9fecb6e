"""Loads the plugins of the entry-point group `clika`, one by one: a broken one is named, all others work."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from clika_core.diagnostics import Diagnostic, Severity
from clika_core.plugins import hooks

DISABLE = "CLIKA_DISABLE_PLUGINS"  # names of entry points, separated by commas


@dataclass(frozen=True)
class LoadedPlugins:
    """The registered plugins by name, ready for hook calls, and what was wrong with the others."""

    manager: pluggy.PluginManager
    diagnostics: tuple[Diagnostic, ...]

    def collect(self, hook: str) -> list[tuple[str, Any]]:
        """Pairs of plugin name and item, over all plugins that implement `hook`, sorted by plugin name."""
        caller = getattr(self.manager.hook, hook)
        found = [(impl.plugin_name, item) for impl in caller.get_hookimpls() for item in impl.function()]
        return sorted(found, key=lambda pair: pair[0])


@cache
def plugins() -> LoadedPlugins:
    """All installed plugins, loaded once per process."""
    return load(entry_points(group=hooks.GROUP), os.environ.get(DISABLE, ""))


def load(points: Iterable[EntryPoint], disabled: str = "") -> LoadedPlugins:
    """Load entry points in order of their names; `disabled` names some to leave out, separated by commas."""
    manager = pluggy.PluginManager(hooks.GROUP)
    manager.add_hookspecs(hooks)
    left_out = {name.strip() for name in disabled.split(",")}
    diagnostics: list[Diagnostic] = []
    for point in sorted(points, key=lambda point: (point.name, _distribution(point))):
        if point.name not in left_out:
            problem = _try(lambda point=point: _register(manager, point))  # type: ignore[misc]
            if problem:
                diagnostics.append(_broken(point, problem))
    return LoadedPlugins(manager, tuple(diagnostics))


def _register(manager: pluggy.PluginManager, point: EntryPoint) -> None:
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


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else "unknown distribution"


def _broken(point: EntryPoint, problem: str) -> Diagnostic:
    return Diagnostic(
        "broken-plugin",
        Severity.WARNING,
        f"plugin {point.name!r} of {_distribution(point)} could not be loaded: {problem}",
        related=(point.name, _distribution(point)),
        help=f"set {DISABLE}={point.name}, or install another release of {_distribution(point)}",
    )

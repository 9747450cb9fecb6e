"""Lets pluggy examine a plugin: misspelt hooks, wrong signatures, and which hooks it implements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pluggy

from clika_core.plugins import hooks
from clika_core.plugins.installed import GROUP, PluginPoint

_PREFIX = "clika_register_"


class _Examiner(pluggy.PluginManager):
    """Takes every function whose name begins like a hook's for one, whether it is marked or not."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:
        marked = super().parse_hookimpl_opts(plugin, name)
        is_hook = name.startswith(_PREFIX) and callable(getattr(plugin, name))
        return {} if marked is None and is_hook else marked


def examine(point: PluginPoint) -> Mapping[str, str]:
    """Import a plugin; the names of its functions by the hook that each implements. Raises whatever is wrong."""
    examiner = _Examiner(GROUP)
    examiner.add_hookspecs(hooks)
    plugin = point.load()
    examiner.register(plugin, name=point.name)
    examiner.check_pending()
    names = {id(getattr(plugin, name)): name for name in dir(plugin)}
    return {
        caller.name: names[id(implementation.function)]
        for caller in examiner.get_hookcallers(plugin) or ()
        for implementation in caller.get_hookimpls()
    }

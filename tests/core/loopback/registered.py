"""The loopback plugin as if it were installed: registered through an entry point, in this process alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from clika_core.plugins import registry
from clika_core.plugins.installed import GROUP, PluginPoint, scan
from clika_core.plugins.manager import load

_CACHED = (registry.registered, registry.observers, registry.targets)


@contextmanager
def loopback_registered() -> Iterator[None]:
    """What is registered inside includes what the plugin brings."""
    installed = [point for point in scan(GROUP) if point.name != "loopback"]
    loaded = load([*installed, PluginPoint("loopback", "clika_loopback.registration", "clika-loopback", "1")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "plugins", lambda: loaded)
        forget()
        try:
            yield
        finally:
            forget()


def forget() -> None:
    """Ask the plugins anew at the next look."""
    for function in _CACHED:
        function.cache_clear()

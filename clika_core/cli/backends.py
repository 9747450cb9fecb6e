"""`clika backends`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from clika_core.backend.interface import Backend, BackendDescription
    from clika_core.diagnostics import Diagnostic
    from clika_core.plugins.installed import PluginPoint
    from clika_core.plugins.manager import LoadedPlugins


@click.command(epilog="Example: clika backends --format json")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(form: str) -> None:
    """Show what is installed: frameworks, versions, devices, capabilities, gaps, and why a broken one is broken."""
    from clika_core.plugins.manager import plugins
    from clika_core.plugins.registry import backends, problems

    loaded = plugins()
    found = [describe(name, backend) for name, backend in backends().items()]
    broken = [*problems(), *_hidden_commands(loaded)]
    if form == "json":
        click.echo(json.dumps(_as_json(found, loaded, broken), indent=1))
        return
    for line in _lines(found, loaded):
        click.echo(line)
    for diagnostic in broken:
        click.echo(str(diagnostic), err=True)
        if diagnostic.help:
            click.echo(f"  help: {diagnostic.help}", err=True)


def describe(name: str, backend: Backend) -> BackendDescription:
    """What the backend says of itself; of one that cannot, why."""
    from clika_core.backend.interface import BackendDescription
    from clika_core.plugins.guard import told

    try:
        found = backend.describe()
    except Exception as error:  # noqa: BLE001 - the others are shown whatever this one does
        problem = f"it fails to describe itself: {told(error)}"
        return BackendDescription(name, "unknown framework", None, problem=problem)
    if not isinstance(found, BackendDescription):
        problem = f"it describes itself by a {type(found).__name__}; expected a BackendDescription"
        return BackendDescription(name, "unknown framework", None, problem=problem)
    return found


def _as_json(
    found: list[BackendDescription], loaded: LoadedPlugins, broken: list[Diagnostic]
) -> dict[str, object]:
    return {
        "backends": [{**asdict(each), "caution": each.caution} for each in found],
        "plugins": [
            {"name": p.name, "distribution": p.distribution, "version": p.version, "brings": brought}
            for p, brought in _brought(loaded)
        ],
        "diagnostics": [diagnostic.to_json() for diagnostic in broken],
    }


def _lines(found: list[BackendDescription], loaded: LoadedPlugins) -> Iterator[str]:
    for each in found:
        yield f"{each.name}: {each.framework} {each.version or 'not installed'}"
        rows = [
            ("devices", ", ".join(each.devices)),
            ("can", ", ".join(each.capabilities)),
            *(("cannot", str(gap)) for gap in each.gaps),
            ("warning", each.caution or ""),
            ("problem", each.problem or ""),
        ]
        yield from (f"  {name}: {text}" for name, text in rows if text)
    if not found:
        yield "no backend is registered"
    yield ""
    yield "plugins"
    for point, brought in _brought(loaded):
        yield f"  {point.name} ({point.distribution} {point.version}): {', '.join(brought) or 'nothing'}"


def _brought(loaded: LoadedPlugins) -> Iterator[tuple[PluginPoint, list[str]]]:
    """Each plugin with what it registered: `target ort`, `command lint`; lint rules and output forms are counted."""
    from clika_core.plugins.registry import HOOKS, registered

    for point in loaded.points:
        items = [
            f"{hook.removeprefix('clika_register_').removesuffix('s')} {name}"
            for hook in HOOKS
            for name, plugin in registered(hook).plugins.items()
            if plugin == point.name
        ]
        for hook in ("clika_register_lint_rules", "clika_register_reporters"):
            count = sum(plugin == point.name for plugin, _ in loaded.try_collect(hook)[0])
            if count:
                words = hook.removeprefix("clika_register_").replace("_", " ")
                items.append(f"{count} {words.removesuffix('s') if count == 1 else words}")
        yield point, items


def _hidden_commands(loaded: LoadedPlugins) -> list[Diagnostic]:
    """A plugin's command that has a built-in one's name never runs."""
    from clika_core.cli.main import COMMANDS
    from clika_core.plugins.registry import registered

    given = registered("clika_register_commands").plugins
    return [
        loaded.plugin(plugin).broken(f"registers the command {name!r}, which is a built-in one's name")
        for name, plugin in given.items()
        if name in COMMANDS
    ]

"""`clika backends`."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.command(epilog="Example: clika backends --format json")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(form: str) -> None:
    """Show what is installed: frameworks, versions, devices, capabilities, gaps, and why a broken one is broken."""
    from clika_core.plugins.manager import plugins
    from clika_core.plugins.registry import backends

    descriptions = [backend.describe() for backend in backends().values()]
    broken = plugins().diagnostics
    if form == "json":
        shown = {"backends": [asdict(d) for d in descriptions], "diagnostics": [d.to_json() for d in broken]}
        click.echo(json.dumps(shown, indent=1))
        return
    for found in descriptions:
        click.echo(f"{found.name}: {found.framework} {found.version or 'not installed'}")
        rows = [("devices", ", ".join(found.devices)), ("can", ", ".join(found.capabilities))]
        rows += [*(("cannot", str(gap)) for gap in found.gaps), ("problem", found.problem or "")]
        for name, text in rows:
            if text:
                click.echo(f"  {name}: {text}")
    if not descriptions:
        click.echo("no backend is registered")
    for diagnostic in broken:
        click.echo(str(diagnostic), err=True)

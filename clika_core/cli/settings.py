"""`clika settings`: a settings file to start from, and the JSON Schema for editors."""

from __future__ import annotations

import json
from pathlib import Path

import click

from clika_core.settings.load import load_settings
from clika_core.settings.model import Settings
from clika_core.settings.save import json_text, yaml_text


@click.command(epilog="Example: clika settings > settings.yaml")
@click.option(
    "-s",
    "--settings",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Print this file's settings, with the defaults of what it leaves out.",
)
@click.option("--schema", is_flag=True, help="Print the JSON Schema (draft 2020-12) of the file instead.")
@click.option("--format", "form", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def command(settings: Path | None, schema: bool, form: str) -> None:
    """Print every key of the settings file with its value and what it means.

    With --schema, what an editor completes and checks with. In YAML, the first line
    "# yaml-language-server: $schema=clika.schema.json" names it; in JSON, editors map it by file name.
    """
    if schema:
        from clika_core.settings.schema import json_schema

        click.echo(json.dumps(json_schema(), indent=1))
        return
    loaded = Settings() if settings is None else load_settings(settings)
    click.echo(json_text(loaded) if form == "json" else yaml_text(loaded), nl=False)

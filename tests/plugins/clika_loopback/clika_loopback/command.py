"""`clika census`: how many layers of each type a graph file has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from clika_core.ir.snapshot import load_graph


@click.command(epilog="Example: clika census model.graph.json")
@click.argument("graph", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def census(graph: Path) -> None:
    """Count the layers of a graph by type."""
    for type_name, count in sorted(Counter(node.type for node in load_graph(graph).layers).items()):
        click.echo(f"{count:5}  {type_name}")

"""`clika trace MODEL -o model.graph.json`."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from clika_core.backend.dynamic_axes import DynamicAxes
    from clika_core.backend.interface import TracedModel


@click.command(
    epilog="Example: clika trace my_model.py:make_model -o model.graph.json --input x=f32[2,3,224,224] "
    "--dynamic x:2,3"
)
@click.argument("model")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("model.graph.json"),
    show_default=True,
    help="File to write.",
)
@click.option(
    "--input",
    "inputs",
    multiple=True,
    metavar="NAME=DTYPE[SHAPE]",
    help="An example input, once per input; names are those of the model's arguments. A lone one needs no name.",
)
@click.option(
    "--dynamic",
    multiple=True,
    metavar="INPUT:AXES",
    help="Axes that are free to change beside the batch, such as input_ids:1 or image:2,3; once per input.",
)
@click.option("--name", help="Name of the model in the graph.")
def command(
    model: str, output: Path, inputs: tuple[str, ...], dynamic: tuple[str, ...], name: str | None
) -> None:
    """Write the graph of MODEL: its layers, names, shapes and where they come from.

    MODEL is package.module:attribute or file.py:attribute, a model or a function without arguments that returns a
    model or (model, example_inputs).
    """
    from clika_core.cli.dynamic_option import dynamic_axes
    from clika_core.cli.input_option import example_inputs
    from clika_core.cli.model_argument import load_model
    from clika_core.errors import ModelError
    from clika_core.pictures.caption import counted
    from clika_core.pipeline.tracing import trace
    from clika_core.plugins.registry import find_backend

    free = dynamic_axes(dynamic)
    loaded, examples = load_model(model)
    find_backend(loaded)  # what is no model at all is said before anything is asked for it
    given = example_inputs(inputs)
    if given is None and examples is None:
        raise ModelError(
            "the model cannot be traced without example inputs",
            found=f"{model} gives none",
            fix="add --input, such as --input x=f32[2,3,224,224], or return (model, example_inputs)",
        )
    if given is None:
        traced = trace(loaded, examples, name=name, dynamic_axes=free)
    else:
        traced = _traced(loaded, given, name, free)
    traced.graph.save(output)
    graph = traced.graph
    parts = ((graph.layers, "layer"), (graph.inputs, "input"), (graph.outputs, "output"))
    click.echo(f"{output}: {', '.join(counted(len(nodes), noun) for nodes, noun in parts)}")
    for diagnostic in graph.diagnostics:
        click.echo(str(diagnostic), err=True)


def _traced(model: Any, given: Any, name: str | None, free: DynamicAxes | None) -> TracedModel:
    """The model traced on inputs by name; a lone one that the model knows by another name is its first argument.

    Raises what tracing says of the inputs as they were given.
    """
    from clika_core.errors import ClikaError
    from clika_core.pipeline.tracing import trace

    try:
        return trace(model, given, name=name, dynamic_axes=free)
    except ClikaError:
        if isinstance(given, dict) and len(given) == 1:
            with suppress(ClikaError):
                return trace(model, tuple(given.values()), name=name, dynamic_axes=free)
        raise

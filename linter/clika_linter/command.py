"""`clika lint [PATHS]`: options and exit codes. What they do is imported when the command runs."""

from __future__ import annotations

from typing import Any

import click

_FILE = click.Path(exists=True, dir_okay=False)


def _words(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Codes, given once or several times, separated by commas."""
    return tuple(word.strip() for item in given for word in item.split(",") if word.strip())


@click.command(
    "lint", epilog="Example: clika lint settings/ --graph model.graph.json --report outputs/clika_report.json"
)
@click.argument("paths", nargs=-1, type=click.Path())
@click.option("--graph", type=_FILE, help="The graph snapshot that the settings are for.")
@click.option("--report", type=_FILE, help="The last clika_report.json.")
@click.option("--reference-report", type=_FILE, help="An older report to compare sensitivities with.")
@click.option(
    "--select", multiple=True, callback=_words, help="Run only these rules: codes, beginnings, names."
)
@click.option("--extend-select", multiple=True, callback=_words, help="Run these rules too.")
@click.option("--ignore", multiple=True, callback=_words, help="Do not run these rules.")
@click.option("--fix", is_flag=True, help="Apply safe fixes.")
@click.option("--unsafe-fixes", is_flag=True, help="With --fix or --diff: also fixes that change decisions.")
@click.option("--diff", is_flag=True, help="Show what --fix would change, and change nothing.")
@click.option("--format", "form", default="text", show_default=True, help="Output form; see --list-formats.")
@click.option("--list-formats", is_flag=True, help="Show the output forms.")
@click.option("--output-file", type=click.Path(dir_okay=False), help="Write the findings there.")
@click.option("--fail-on", type=click.Choice(["error", "warning", "info", "never"]), help="Default: warning.")
@click.option("--baseline", type=click.Path(dir_okay=False), help="Known findings: only others are reported.")
@click.option("--write-baseline", is_flag=True, help="Write what is found now to the baseline.")
@click.option("--statistics", is_flag=True, help="Count the findings of each rule instead of showing them.")
@click.option(
    "--show-plan", is_flag=True, help="Show the decisions that the rules look at, and lint nothing."
)
@click.option("--explain", metavar="CODE", help="Explain a rule.")
@click.option("--list-rules", is_flag=True, help="Show all rules.")
@click.option("--config", type=_FILE, help="A pyproject.toml; default: the nearest.")
@click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", show_default=True)
@click.option("--no-cache", is_flag=True, help="Do not use results of earlier runs.")
@click.pass_context
def command(context: click.Context, /, **given: Any) -> None:
    """Find mistakes in settings before they cost a training run.

    PATHS are settings files or folders; default: those that [tool.clika.lint] in pyproject.toml lists.
    Exits with 0 where nothing was found, 1 for findings, 2 where the linter was not used right.
    """
    from clika_core.ir.collection import paused_collection

    with paused_collection():  # a short life with many objects: looking for garbage only takes time
        from clika_linter.options import Options
        from clika_linter.session import Session

        code = Session(Options(**given)).run()
    context.exit(code)

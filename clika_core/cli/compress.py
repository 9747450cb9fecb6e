"""`clika compress MODEL --data DATA`: the whole pipeline on the user's own model and data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clika_core.cli.run_options import RunOptions, load_run, run_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clika_core.pipeline.compress import CompressionResult


@click.command(
    epilog="Example: clika compress my_model.py:make_model --data data.npz -s settings.yaml -o outputs"
)
@click.argument("model")
@click.option(
    "--data", required=True, metavar="DATA", help="Calibration data: an .npz file or module:callable."
)
@click.option(
    "--eval-data", metavar="DATA", help="Evaluation data; default: the batches of DATA that do not calibrate."
)
@click.option(
    "--metric",
    metavar="top1|module:callable",
    help="Default: top1 where targets are classes, else the distance to the float model.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("outputs"),
    show_default=True,
    help="Folder to write.",
)
@click.option("--overwrite", is_flag=True, help="Replace a folder that is in use.")
@click.option(
    "--only",
    multiple=True,
    metavar="PATH",
    help="Quantize this submodule alone, where MODEL cannot be traced as a whole; once per submodule. PyTorch.",
)
@run_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    model: str,
    data: str,
    eval_data: str | None,
    metric: str | None,
    output: Path,
    overwrite: bool,
    only: tuple[str, ...],
    form: str,
    **given: Any,
) -> None:
    """Quantize MODEL, measure what that costs, and write the deployed file, pictures and a report.

    MODEL is package.module:attribute or file.py:attribute: a model, or a function without arguments that returns one
    or (model, example_inputs). DATA is an .npz file with `inputs`, or `inputs.<argument>` for each argument, and
    optionally `targets`; or a function without arguments that returns batches (inputs, targets). Its first
    stats_steps batches calibrate.
    """
    from clika_core.cli.console import listening
    from clika_core.cli.data_argument import load_data, load_metric
    from clika_core.deployment.requirements import require_onnx
    from clika_core.pipeline.output_folder import check_free

    options = RunOptions.resolve(given)
    if only and (eval_data or metric):
        raise click.UsageError("--only goes with neither --eval-data nor --metric: a part has no targets")
    check_free(output, overwrite)
    require_onnx()
    from clika_core.pipeline.compress import compress
    from clika_core.pipeline.parts import compress_parts

    with listening(options.is_verbose, options.is_quiet, options.log_file) as journal:
        journal.step(f"load {model} and {data}")
        evaluation = None if eval_data is None else load_data(eval_data, "--eval-data", options.batch_size)
        chosen_metric = load_metric(metric)
        loaded, examples, dataset = load_run(model, data, options)
        common: dict[str, Any] = {
            "settings": options.settings,
            "calibration_data": dataset,
            "target": options.target,
            "output_dir": output,
            "overwrite": overwrite,
            "batch_size": options.batch_size,
            "seed": options.seed,
            "device": options.device,
            "progress": journal,
        }
        if only:
            parts = compress_parts(loaded, only, **common).parts
        else:
            more = {"evaluation_data": evaluation, "metric": chosen_metric, "example_inputs": examples}
            parts = {"": compress(loaded, **common, **more)}
    if only:
        _show_parts(parts, output, form)
    elif form == "json":
        click.echo(json.dumps(_json(parts[""], output), indent=1))
    else:
        _show(parts[""], output)


def _show_parts(parts: Mapping[str, CompressionResult], output: Path, form: str) -> None:
    """Each part under its path."""
    if form == "json":
        found = {path: _json(result, output / path) for path, result in parts.items()}
        click.echo(json.dumps({"output": str(output), "parts": found}, indent=1))
        return
    for path, result in parts.items():
        click.echo(f"{path}:")
        _show(result, output / path)


def _show(result: CompressionResult, folder: Path) -> None:
    for line in result.summary:
        click.echo(line)
    to_run = f"; to run: {result.deployed_path}" if result.deployed_path else ""
    click.echo(f"\nwritten to {folder}/{to_run}")


def _json(result: CompressionResult, output: Path) -> dict[str, Any]:
    """What `--format json` prints: where things are, and the report without its layers."""
    from clika_core.pipeline.report import finite

    report = result.report
    kept = "target seed accuracy evaluation agreement sizes_bytes latency_seconds notes".split()
    plan = result.plan
    return {
        "output": str(output),
        "report": str(output / "clika_report.json"),
        "deployed": str(result.deployed_path) if result.deployed_path else None,
        "layers": {
            "quantized": len(plan.quantized),
            "float": len(plan.skipped),
            "removed": len(plan.removed),
        },
        **{name: finite(report[name]) for name in kept if name != "agreement"},
        "agreement": finite(report["agreement"]["end_to_end"]),
    }

"""`clika sensitivity MODEL --data DATA`: which layers suffer from quantization."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from clika_core.cli.run_options import RunOptions, load_run, run_options

if TYPE_CHECKING:
    from clika_core.pipeline.sensitivity import SensitivityResult

THRESHOLD = 0.1  # of QS: what is above is worth a look
_BAR = 24  # characters of the longest bar


@click.command(epilog="Example: clika sensitivity my_model.py:make_model --data data.npz -o sensitivity.json")
@click.argument("model")
@click.option(
    "--data", required=True, metavar="DATA", help="Calibration data: an .npz file or module:callable."
)
@click.option("--cumulative", is_flag=True, help="Also each layer's error in the fully quantized model.")
@click.option(
    "--task", is_flag=True, help="Also the error of the model's outputs with one layer quantized; slow."
)
@click.option("--sort", type=click.Choice(["qs", "order"]), default="qs", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Also write JSON, for clika plan."
)
@run_options
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    model: str,
    data: str,
    cumulative: bool,
    task: bool,
    sort: str,
    output: Path | None,
    form: str,
    **given: Any,
) -> None:
    """Measure QS, the relative L2 error of each layer quantized, of all layers in one pass over DATA.

    Rules, tails and thresholds of the settings do not matter: it is measured what could be quantized. MODEL and DATA
    are as for clika compress. The JSON goes to clika plan --sensitivity.
    """
    from clika_core.cli.console import listening
    from clika_core.errors import OutputError
    from clika_core.files import write_whole
    from clika_core.pipeline.sensitivity import measure_sensitivity

    options = RunOptions.resolve(given)
    with listening(options.is_verbose, options.is_quiet, options.log_file) as journal:
        journal.step(f"load {model} and {data}")
        loaded, examples, dataset = load_run(model, data, options)
        found = measure_sensitivity(
            loaded,
            calibration_data=dataset,
            settings=options.settings,
            example_inputs=examples,
            target=options.target,
            batch_size=options.batch_size,
            device=options.device,
            with_cumulative=cumulative,
            with_task=task,
            progress=journal,
        )
    text = json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n"
    if output is not None:
        try:
            write_whole(output, text)
        except OSError as problem:
            raise OutputError(f"cannot write {output}", found=problem.strerror) from None
    if form == "json":
        click.echo(text, nl=False)
        return
    for line in lines(
        found, sort, options.settings.global_quantization_settings.quantization_sensitivity_threshold
    ):
        click.echo(line)
    if output is not None:
        click.echo(f"\nwritten to {output}; to plan with it: clika plan GRAPH --sensitivity {output}")


def lines(found: SensitivityResult, sort: str, threshold: float | None) -> Iterator[str]:
    """The table, one row for each group of layers, with a bar for its QS on a logarithmic scale; then what to do."""
    heads = [head for head in found.plan.groups if head in found.layer]
    if sort == "qs":
        heads.sort(key=lambda head: -found.layer[head].qs)
    extra = [
        (name, values) for name, values in (("cumulative", found.cumulative), ("task", found.task)) if values
    ]
    header = ["layer", "type", "QS", "SQNR dB", "abs L2", *(name for name, _ in extra)]
    rows = [
        [
            head,
            found.plan.graph[head].type,
            f"{found.layer[head].qs:.4g}",
            f"{found.layer[head].sqnr_db:.1f}",
            f"{found.layer[head].abs_l2:.4g}",
            *(f"{values[head].qs:.4g}" for _, values in extra),
        ]
        for head in heads
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    bars = _bars([found.layer[head].qs for head in heads])
    for row, bar in zip([header, *rows], ["", *bars], strict=True):
        cells = [cell.ljust(widths[i]) if i < 2 else cell.rjust(widths[i]) for i, cell in enumerate(row)]
        yield "  ".join([*cells, bar]).rstrip()
    yield ""
    yield from _advice(found, heads, THRESHOLD if threshold is None else threshold)


def _bars(values: Sequence[float]) -> list[str]:
    """Bars from the smallest to the largest value above zero, logarithmic; all of them full where they are equal."""
    finite = [value for value in values if 0 < value < math.inf]
    if not finite:
        return ["" for _ in values]
    low, high = math.log(min(finite)), math.log(max(finite))
    return [_bar(value, low, high) for value in values]


def _bar(value: float, low: float, high: float) -> str:
    if not value > 0:
        return "" if value == 0 else "?"
    share = 1.0 if value == math.inf or high == low else (math.log(value) - low) / (high - low)
    return "█" * max(1, round(share * _BAR))


def _advice(found: SensitivityResult, heads: Sequence[str], threshold: float) -> Iterator[str]:
    yield (
        f"{len(heads)} groups of layers on {found.samples} samples, observer {found.observer}, target "
        f"{found.plan.target}; {len(found.plan.skipped)} layers cannot be quantized"
    )
    above = [head for head in heads if not found.layer[head].qs <= threshold]
    if above:
        yield f"above {threshold:g}: {', '.join(above)}"
        yield f"to keep them float: global_quantization_settings.quantization_sensitivity_threshold: {threshold:g}"
    else:
        yield f"no layer is above {threshold:g}"

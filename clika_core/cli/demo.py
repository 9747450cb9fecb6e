"""`clika demo`: the main job on real data."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from clika_core.pipeline.demo import DemoResult
    from clika_core.planning.plan import Plan


@click.command(epilog="Example: clika demo -o outputs")
@click.option(
    "--backend", "backend_name", default="torch", show_default=True, help="Framework of the network."
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("outputs"),
    show_default=True,
    help="Folder to write.",
)
@click.option(
    "-s", "--settings", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Settings file."
)
@click.option("--overwrite", is_flag=True, help="Replace a folder that is in use.")
@click.option(
    "--train",
    is_flag=True,
    help="Train the network anew first (some minutes), instead of the shipped weights.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of training; stands in the report.")
def command(
    backend_name: str, output: Path, settings: Path | None, overwrite: bool, train: bool, seed: int
) -> None:
    """Quantize a trained network on real images: trace, plan, calibrate, measure, deploy, compare.

    A residual network with 460,000 parameters reads handwritten digits. Writes pictures, a report and the deployed
    file.
    """
    from rich.console import Console

    from clika_core.deployment.requirements import require_onnx

    require_onnx()  # before the pipeline, which imports it
    from clika_core.pipeline.demo import run_demo
    from clika_core.plugins.registry import backend_named
    from clika_core.settings.load import load_settings
    from clika_core.settings.model import Settings

    console = Console(markup=False, highlight=False)
    started = time.perf_counter()

    def progress(step: str) -> None:
        console.print(f"{time.perf_counter() - started:6.1f} s  {step}")

    backend = backend_named(backend_name)
    chosen = Settings() if settings is None else load_settings(settings)
    result = run_demo(backend, chosen, output, overwrite=overwrite, seed=seed, train=train, progress=progress)
    show(console, result)
    console.print(f"\nwritten to {output}/ in {time.perf_counter() - started:.0f} s")
    if result.note:
        console.print(result.note)


def show(console: Console, result: DemoResult) -> None:
    """Print the closing tables."""
    from rich.table import Table

    from clika_core.pipeline.demo import PEER

    table = Table(title="1,000 test images", title_justify="left")
    for column in ("", "accuracy", "relative L2 of logits", "ms per image", "file"):
        table.add_column(column, justify="left" if not column else "right")
    files = {"float": "file_float", "deployed int8": "file_quantized", PEER: "file_peer"}
    for name, accuracy in result.accuracy.items():
        seconds = result.latency_seconds.get(name)
        size = result.sizes_bytes.get(files.get(name, ""))
        table.add_row(
            name,
            f"{accuracy:.2%}",
            "" if name == "float" else f"{result.relative_l2[name]:.4f}",
            f"{seconds * 1000:.3f}" if seconds else "",
            f"{size / 1000:,.0f} kB" if size else "",
        )
    console.print()
    console.print(table)
    sizes = result.sizes_bytes
    ratio = sizes["weights_float"] / sizes["weights_quantized"]
    console.print(
        f"simulated and deployed agree on {result.top1_agreement:.2%} of the images; layer by layer on at least "
        f"{result.worst_layer_agreement:.4%} of the codes ({result.codes_compared:,} compared)"
    )
    console.print(
        f"weights {sizes['weights_float']:,} -> {sizes['weights_quantized']:,} bytes, {ratio:.2f} x smaller"
    )
    _show_plan(console, result.quantized.plan)
    _show_sensitivity(console, result)


def _show_plan(console: Console, plan: Plan) -> None:
    from clika_core.planning.wording import describe

    console.print(
        f"\nlayers: {len(plan.quantized)} quantized, {len(plan.skipped)} float, {len(plan.removed)} removed"
    )
    for name in plan.skipped:
        console.print(f"  {name} stays float: {'; '.join(describe(cause) for cause in plan[name].causes)}")


def _show_sensitivity(console: Console, result: DemoResult) -> None:
    found = result.quantized.measurements
    heads = {head: found[head] for head in result.quantized.plan.groups if head in found}
    worst = sorted(heads.items(), key=lambda item: (-item[1].qs, item[0]))[:5]
    console.print("\nmost sensitive layers (QS: relative L2 of the layer's output, quantized against float)")
    for name, measured in worst:
        console.print(f"  {name:<24} QS {measured.qs:.4f}   {measured.sqnr_db:.1f} dB")

"""`clika verify REPORT DEPLOYED`: does the shipped file honour the rules."""

from __future__ import annotations

import json
from pathlib import Path

import click

from clika_core.errors import SettingsError

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(epilog="Example: clika verify outputs/clika_report.json outputs/my_model.onnx")
@click.argument("report", type=_FILE)
@click.argument("deployed", type=_FILE)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(report: Path, deployed: Path, form: str) -> int:
    """Check DEPLOYED against REPORT: float layers are really float, quantized ones really int8, layer by layer.

    It looks at what the file stores, and at what computes it: for ONNX the graph that onnxruntime makes of it on this
    CPU, for StableHLO the program itself. Exits with 1 where something is not as the report says.
    """
    from clika_core.deployment.requirements import require_onnx
    from clika_core.planning.report_file import read_report

    content = read_report(report)
    require_onnx()
    from clika_core.pipeline.verifying import verify

    try:
        found = verify(content, deployed)
    except (KeyError, TypeError, AttributeError) as problem:
        raise SettingsError(
            f"{report} is no complete report",
            found=f"{type(problem).__name__}: {problem}",
            fix="give the clika_report.json that was written with the file",
        ) from None
    if form == "json":
        shown = {
            "report": str(report),
            "deployed": str(deployed),
            "layers": [layer.to_json() for layer in found.layers],
            "diagnostics": [finding.to_json() for finding in found.findings],
        }
        click.echo(json.dumps(shown, indent=1))
        return 1 if found.findings else 0
    width = max((len(layer.name) for layer in found.layers), default=0)
    for layer in found.layers:
        ran = ", ".join(layer.kernels) or "fused, or moves values"
        weights = f"; stores {', '.join(dict.fromkeys(layer.stored))}" if layer.stored else ""
        click.echo(f"{layer.name:<{width}}  {layer.precision:<9}  {ran}{weights}")
    for finding in found.findings:
        click.echo(str(finding), err=True)
    verdict = f"{len(found.findings)} findings" if found.findings else "the file honours the report"
    click.echo(f"\n{len(found.layers)} layers: {verdict}")
    return 1 if found.findings else 0

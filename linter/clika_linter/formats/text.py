"""`--format text`: what people read.

settings.yaml:4:3: warning[CLK204] rule 'linear_1' changes nothing: ...
  |
4 |   linear_1: {quantization_settings: {skip_quantization: true}}
  |   ^^^^^^^^
  = layers: linear_1
  = help: remove it
  = fix: remove the rule (clika lint --fix)
"""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_linter.finding import Safety
from clika_linter.formats.excerpt import excerpt
from clika_linter.formats.style import Style, printable
from clika_linter.reported import WORKPLACE, Reported
from clika_linter.reporter import LintResult

_FLAGS = {Safety.SAFE: "--fix", Safety.UNSAFE: "--fix --unsafe-fixes"}
_MAX_NODES = 8


def render(result: LintResult) -> str:
    """All findings with their lines, then notes and a summary."""
    style = Style(is_coloured=result.is_coloured)
    blocks = ["\n".join(_block(finding, result, style)) for finding in result.findings]
    end = [*(style.paint("dim", f"note: {printable(note)}") for note in result.notes), *summary(result)]
    return "\n\n".join([*blocks, "\n".join(end)]) + "\n"


def headline(finding: Reported, style: Style) -> str:
    """Place, severity, code and message on one line."""
    place = printable(finding.file)
    if finding.region:
        place += f":{finding.region.line}:{finding.region.column}"
    kind = style.paint(str(finding.severity), f"{finding.severity}[{finding.code}]")
    at = "" if finding.file == WORKPLACE else style.paint("bold", place) + ": "
    return f"{at}{kind} {printable(finding.message)}"


def summary(result: LintResult) -> Iterator[str]:
    """What was found, in one sentence; what can be fixed; what the baseline knew."""
    counts = [(result.num_of(kind), str(kind)) for kind in Severity]
    words = [f"{count} {kind}{'s' * (count != 1 and kind != 'info')}" for count, kind in counts if count]
    files = f"{len(result.files)} file{'s' * (len(result.files) != 1)}"
    yield f"Found {', '.join(words)} in {files}." if words else f"No findings in {files}."
    fixes = [finding.fix.safety for finding in result.findings if finding.fix]
    safe, unsafe = fixes.count(Safety.SAFE), fixes.count(Safety.UNSAFE)
    if safe or unsafe:
        more = (
            f"{unsafe} more with --unsafe-fixes" if safe and unsafe else f"{unsafe} with --fix --unsafe-fixes"
        )
        parts = ([f"{safe} with --fix"] if safe else []) + ([more] if unsafe else [])
        yield f"Can be fixed: {', '.join(parts)}."
    if result.num_fixed:
        yield f"Fixed {result.num_fixed}."
    if result.baseline:
        yield from _baseline(result)


def _baseline(result: LintResult) -> Iterator[str]:
    if result.baseline and result.baseline.known:
        yield f"{result.baseline.known} known from {printable(result.baseline.file)}."
    if result.baseline and result.baseline.fixed:
        yield f"{len(result.baseline.fixed)} of {printable(result.baseline.file)} are fixed; take them out:"
        yield from (f"  {printable(fixed)}" for fixed in result.baseline.fixed)
        yield f"  clika lint --baseline {printable(result.baseline.file)} --write-baseline"


def _block(finding: Reported, result: LintResult, style: Style) -> Iterator[str]:
    yield headline(finding, style)
    regions = [region for region in (finding.region, *(label[0] for label in finding.labels)) if region]
    digits = max((len(str(region.line)) for region in regions), default=1)
    lines = excerpt(result.texts, finding.file, finding.region, style, str(finding.severity), digits)
    yield from lines
    gutter = " " * (digits if lines else 1)
    sign = style.paint("place", "=")
    for region, words in finding.labels:
        shown = excerpt(result.texts, finding.file, region, style, "place", digits)
        yield from (
            *shown[1:-1],
            *(f"{line} {style.paint('place', printable(words))}" for line in shown[-1:]),
        )
    for name, text in _parts(finding):
        yield f"{gutter} {sign} {style.paint('bold', name)}: {printable(text)}"


def _parts(finding: Reported) -> Iterator[tuple[str, str]]:
    if finding.nodes:
        more = f" and {len(finding.nodes) - _MAX_NODES} more" if len(finding.nodes) > _MAX_NODES else ""
        yield "layers" if len(finding.nodes) > 1 else "layer", ", ".join(finding.nodes[:_MAX_NODES]) + more
    if finding.graph:
        yield "graph", finding.graph
    if finding.help:
        yield "help", finding.help
    if finding.fix:
        yield "fix", f"{finding.fix.title} (clika lint {_FLAGS[finding.fix.safety]})"

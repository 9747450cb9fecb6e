"""CLK005."""

from __future__ import annotations

from collections.abc import Iterator

from clika_core.diagnostics import Severity
from clika_core.ir.graph import Graph
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, residual
from clika_linter.finding import Finding
from clika_linter.report import Report
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed

_OTHER = {"fingerprint": "0" * 64}


class StaleGraph(Rule):
    """The report belongs to another graph.

    ## What it does
    Compares the fingerprint in the report with that of the graph, and says how their layers differ.

    ## Why is this bad?
    Names are counted in trace order: `conv_7` of one version of a model is another layer in the next. QS and
    ranges of the report say nothing about this graph, and rules that need a report are left out.

    ## Example
    A `clika_report.json` of last week beside a `model.graph.json` of today.

    ## Use instead
    Graph and report of one run; `clika compress` writes both.
    """

    code = "CLK005"
    name = "stale-graph"
    severity = Severity.ERROR
    needs = (Need.GRAPH,)

    VALID = (
        Valid(graph=classifier),
        Valid(graph=classifier, report={"layers": [{"name": "conv_1", "qs": 0.1}]}),
        Valid(report={"graph": _OTHER}, about="there is no graph to compare with"),
        Valid(graph=classifier, reference={"graph": _OTHER}, about="an older report is there to be compared"),
    )
    INVALID = (
        Invalid(
            graph=classifier,
            report={"graph": _OTHER, "layers": [{"name": "conv_1", "type": "conv"}, {"name": "conv_9"}]},
            messages=("clika_report.json is not of this graph: its conv_9 is gone, and 6 layers are new",),
        ),
        Invalid(
            graph=residual,
            report={
                "graph": _OTHER,
                "layers": [
                    {"name": name, "type": name[:-2]}
                    for name in ("conv_1", "relu_1", "conv_2", "add_1", "conv_3", "flatten_1", "linear_1")
                ],
            },
            messages=(
                "clika_report.json is not of this graph: the layers are the same, their shapes, attributes or "
                "connections are not",
            ),
        ),
        Invalid(
            settings="training_settings: [\n",
            graph=classifier,
            report={"graph": _OTHER, "layers": [{"name": "conv_1", "type": "linear"}]},
            messages=(
                "clika_report.json is not of this graph: its conv_1 is of another type, and 6 layers are new",
            ),
        ),
        Invalid(
            graph=classifier,
            report={"graph": {}},
            messages=("clika_report.json does not say which graph it is of",),
        ),
        Invalid(
            graph=classifier,
            report={"graph": _OTHER},
            messages=("clika_report.json is not of this graph: 7 layers are new",),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """Compare fingerprints."""
        report = context.raw_report
        if report is None or context.has_report:
            return
        what = "is not of this graph: " + _difference(report, context.graph)
        yield Finding(
            f"{report.file} {what if report.fingerprint else 'does not say which graph it is of'}",
            help="make both anew with `clika compress`, or name the ones that belong together",
        )


def _difference(report: Report, graph: Graph) -> str:
    """How the layers of a report differ from those of a graph."""
    types = {node.name: node.type for node in graph.layers}
    gone = [name for name in report.layers if name not in types]
    new = len(types.keys() - report.layers.keys())
    changed = [
        layer.name
        for layer in report.layers.values()
        if layer.type and layer.type != types.get(layer.name, layer.type)
    ]
    parts = [f"its {listed(gone)} {_are(gone)} gone"] if gone else []
    parts += [f"its {listed(changed)} {_are(changed)} of another type"] if changed else []
    parts += [f"{new} layer{'s are' if new > 1 else ' is'} new"] if new else []
    if not parts:
        return "the layers are the same, their shapes, attributes or connections are not"
    return ", and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"

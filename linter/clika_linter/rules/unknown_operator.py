"""CLK106."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clika_core.diagnostics import Severity
from clika_core.ir.graph import Node
from clika_core.ir.operators import OPERATORS
from clika_core.planning.decision import CauseKind, Precision
from clika_core.planning.plan import Plan
from clika_linter.case import Invalid, Valid
from clika_linter.context import Context
from clika_linter.example_graphs import classifier, residual, two_unknown_layers, unknown_types
from clika_linter.finding import Finding
from clika_linter.rule import Need, Rule
from clika_linter.wording import listed


class UnknownOperator(Rule):
    """A type of layer is not known.

    ## What it does
    Lists the operator types that are outside the vocabulary, their layers, and the layers around them that stay
    float for their sake.

    ## Why is this bad?
    Nothing is guessed about such a layer: it stays float, and so does what only moves its values. Each one also
    costs a conversion to float and back.

    ## Example
    A layer of type `aten_fancy_op`, with the name that the framework gives it.

    ## Use instead
    The same computation in operators that are known, or a composite that recognises it: see the documentation on
    adding operators.
    """

    code = "CLK106"
    name = "unknown-operator"
    severity = Severity.INFO
    needs = (Need.PLAN,)

    VALID = (
        Valid(graph=classifier),
        Valid(graph=residual),
        Valid(
            settings="layer_settings: {op:relu: {quantization_settings: {skip_quantization: true}}}\n",
            graph=classifier,
            about="float, but known",
        ),
    )
    INVALID = (
        Invalid(
            graph=unknown_types,
            messages=(
                "type aten_fancy_op is not known: aten_fancy_op_1 stays float, and permute_1 and flatten_1 with it",
                "type aten_odd_op is not known: aten_odd_op_1 stays float",
            ),
            nodes=(("aten_fancy_op_1",), ("aten_odd_op_1",)),
        ),
        Invalid(
            settings="layer_settings: {permute_1: {quantization_settings: {skip_quantization: true}}}\n",
            graph=unknown_types,
            messages=(
                "type aten_fancy_op is not known: aten_fancy_op_1 stays float",
                "type aten_odd_op is not known: aten_odd_op_1 stays float",
            ),
            about="what is float for another reason too is not counted",
        ),
        Invalid(
            graph=two_unknown_layers,
            messages=(
                "type aten_fancy_op is not known: aten_fancy_op_1 and aten_fancy_op_2 stay float, "
                "and flatten_1 and concat_1 with them",
            ),
        ),
    )

    def check(self, context: Context) -> Iterator[Finding]:
        """One finding for each type."""
        by_type: dict[str, list[Node]] = {}
        for node in context.graph.layers:
            if node.type not in OPERATORS and context.plan[node.name].precision is Precision.FLOAT:
                by_type.setdefault(node.type, []).append(node)
        for type_, nodes in by_type.items():
            names = tuple(node.name for node in nodes)
            behind = _inheriting(context.plan, names)
            also = f", and {listed(behind)} with {'it' if len(names) == 1 else 'them'}" if behind else ""
            verb = "stays" if len(names) == 1 else "stay"
            yield Finding(
                f"type {type_} is not known: {listed(names)} {verb} float{also}",
                nodes=names,
                help=f"write it with known operators; the first is at {nodes[0].source}"
                if nodes[0].source
                else "write it with known operators",
            )


def _inheriting(plan: Plan, names: Sequence[str]) -> list[str]:
    """The layers that are float only because these are: those behind them, and those that feed them alone."""
    reached = set(names)
    for decisions in (plan.decisions, plan.decisions[::-1]):
        for decision in decisions:
            givers = [cause.of for cause in decision.causes]
            kinds = {cause.kind for cause in decision.causes}
            if kinds == {CauseKind.INHERITED} and reached.issuperset(givers[0]):
                reached.add(decision.name)
    return [decision.name for decision in plan.decisions if decision.name in reached.difference(names)]

"""A graph with everything a plan of it depends on, drawn together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from hypothesis import strategies as st

from clika_core.ir.graph import Graph, Node
from clika_core.settings.model import Settings
from clika_core.targets.ort import ORT
from clika_core.targets.target import Target
from clika_core.testing.strategies.graphs import graphs
from clika_core.testing.strategies.rules import Rules, rule_sets
from clika_core.testing.strategies.targets import LAB, targets


class _Printer(Protocol):
    """The part of Hypothesis' pretty printer that is used here."""

    def text(self, text: str, /) -> None: ...


@dataclass(frozen=True, slots=True, repr=False)
class Scenario:
    """One question to planning."""

    graph: Graph
    rules: Rules = ()
    target: Target = ORT
    tail: bool | tuple[str, ...] | None = None
    sensitivity: Mapping[str, float] | None = None
    threshold: float | None = None

    def settings(self) -> Settings:
        """The settings that ask it, rules in the order in which they stand here."""
        settings = Settings()
        overall = settings.global_quantization_settings
        overall.skip_tail_quantization = list(self.tail) if isinstance(self.tail, tuple) else self.tail
        overall.quantization_sensitivity_threshold = self.threshold
        for selector, rule in self.rules:
            settings.set_quantization_settings_for_layer(selector, rule)
        return settings

    def with_rules(self, *rules: Rules) -> Scenario:
        """The same question with these rules instead."""
        return replace(self, rules=tuple(rule for group in rules for rule in group))

    def __repr__(self) -> str:
        """The graph as a program, then the rules: what a failing property prints."""
        lines = [_line(node) for node in self.graph.nodes]
        lines += [f"rule {selector}: {body}" for selector, body in self.rules]
        fusions = {head: list(followers) for head, followers in self.target.fusions.items()}
        lines.append(f"target {self.target.name}, fusions {fusions}, tail {self.tail}")
        if self.sensitivity is not None:
            lines.append(f"sensitivity {dict(self.sensitivity)}, threshold {self.threshold}")
        return "\n  ".join(["Scenario", *lines])

    def _repr_pretty_(self, printer: _Printer, _cycle: bool) -> None:
        """What Hypothesis shows of a failing example."""
        printer.text(repr(self))


def scenarios(
    max_layers: int = 12, *, max_rules: int = 4, names_only: bool = False, max_paths: int = 400
) -> st.SearchStrategy[Scenario]:
    """Scenarios over random graphs, targets, tails and measurements."""
    any_target = st.one_of(st.just(LAB), st.just(ORT), targets())
    return _scenarios(graphs(max_layers, max_paths=max_paths), any_target, max_rules, names_only)


@st.composite
def _scenarios(
    draw: st.DrawFn,
    any_graph: st.SearchStrategy[Graph],
    any_target: st.SearchStrategy[Target],
    max_rules: int,
    names_only: bool,
) -> Scenario:
    """The strategies of what depends on nothing are made once: making them is what takes time."""
    graph = draw(any_graph)
    rules = draw(rule_sets(graph, max_rules=max_rules, names_only=names_only))
    scenario = Scenario(graph, rules, draw(any_target), draw(st.sampled_from([False, None, True])))
    if draw(_RARELY):
        scenario = replace(scenario, tail=draw(_some_outputs(graph, names_only)))
    if draw(_RARELY) and graph.layers:
        names = [node.name for node in graph.layers]
        measured = draw(st.dictionaries(st.sampled_from(names), _MEASURED, max_size=4))
        return replace(scenario, sensitivity=measured, threshold=draw(_THRESHOLDS))
    return scenario


_RARELY = st.sampled_from([False, False, True])
_MEASURED = st.sampled_from([0.0, 0.1, 0.5, float("inf")])
_THRESHOLDS = st.sampled_from([None, 0.1, 0.1])


def _line(node: Node) -> str:
    """One node as an assignment."""
    operands = ", ".join(
        f"{read.producer}.{read.port}" if read.port else read.producer for read in node.inputs
    )
    dtypes = ", ".join(value.dtype for value in node.outputs)
    path = f"  at {node.path}" if node.path else ""
    return f"{node.name} = {node.type}({operands}) -> {dtypes}{path}"


def _some_outputs(graph: Graph, names_only: bool) -> st.SearchStrategy[tuple[str, ...]]:
    """Lists of outputs, by name, alias or glob."""
    texts = [node.name for node in graph.outputs]
    if not names_only:
        texts += [*(alias for node in graph.outputs for alias in node.aliases), "output_*"]
    return st.lists(st.sampled_from(texts), min_size=1, max_size=2, unique=True).map(tuple)

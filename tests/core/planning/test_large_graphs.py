"""Planning is linear: no path is enumerated, nothing recurses."""

from __future__ import annotations

from clika_core.testing import GraphBuilder
from tests.core.planning.asking import ask, skip
from tests.core.planning.networks import chain
from tests.spending import at_most


def test_a_chain_deeper_than_the_interpreters_stack_is_planned() -> None:
    graph = chain(*["softmax", "reshape", "dropout"] * 2_000)
    plan = ask(graph, {"softmax_1": skip(["reshape_2000"])}, tail=None)
    assert len(plan.skipped) == 4_000


def test_as_many_forks_as_give_more_paths_than_atoms_take_no_time() -> None:
    g = GraphBuilder()
    h = g.input("x")
    for _ in range(300):
        h = g.layer("add", h, g.layer("relu", h))
    g.output(h)
    graph = g.build()
    with at_most(2):
        plan = ask(graph, {"relu_1": skip(["add_300"])}, tail=None)
    assert len(plan.skipped) == 600


def test_a_value_with_thousands_of_readers_is_planned() -> None:
    g = GraphBuilder()
    x = g.layer("softmax", g.input("x"))
    for _ in range(2_000):
        g.output(g.layer("sigmoid", x))
    plan = ask(g.build(), {"softmax_1": skip(downstream=True)})
    assert len(plan.skipped) == 2_001

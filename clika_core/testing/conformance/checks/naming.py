"""Names, types, tails: what rules are written against must be what every framework gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from clika_core.ir.graph import Node
from clika_core.ir.removals import removals
from clika_core.planning.tail import tails
from clika_core.testing.conformance.case import Case
from clika_core.testing.conformance.kit import Kit


class NamingChecks(Kit):
    """The graph of every reference model, against its `Architecture`."""

    def test_layers_have_the_neutral_types(self, case: Case) -> None:
        """Composites are one layer, whatever primitives the framework records."""
        found = [node.type for node in case.computing_layers]
        wanted = case.architecture.layers
        assert len(found) == len(wanted), found
        for type_name, accepted in zip(found, wanted, strict=True):
            assert type_name in (accepted if isinstance(accepted, frozenset) else {accepted}), found

    def test_names_count_layers_of_a_type_in_trace_order(self, case: Case) -> None:
        """`conv_1`, `conv_2`, `linear_1`."""
        counts: Counter[str] = Counter()
        for node in case.traced.graph.layers:
            counts[node.type] += 1
            assert node.name == f"{node.type}_{counts[node.type]}"

    def test_names_are_the_same_for_every_batch_size_and_run(self, case: Case) -> None:
        """So is the fingerprint; a single sample leaves the batch free."""
        for size in (1, 2, 3):
            graph = case.trace(size).graph
            assert [node.name for node in graph] == [node.name for node in case.traced.graph]
            assert graph.fingerprint == case.traced.graph.fingerprint

    def test_the_batch_is_free_to_change(self, case: Case) -> None:
        """The first size of every input is a symbol."""
        for node in case.traced.graph.inputs:
            assert isinstance(node.outputs[0].shape[0], str), node.outputs[0].shape

    def test_weighted_layers_know_where_they_come_from(self, case: Case) -> None:
        """A path in the source model, so that a rule can be written by it."""
        for node in _weighted(case):
            assert node.path, f"{node.name} has no path"

    def test_weights_have_their_roles(self, case: Case) -> None:
        """A bias belongs to the layer that adds it."""
        layers = case.computing_layers
        for position, node in enumerate(layers):
            if node.type in ("conv", "linear"):
                roles = {weight.role for weight in node.weights}
                assert roles == (
                    {"weight", "bias"} if position in case.architecture.biased else {"weight"}
                ), node.name

    def test_the_tail_is_the_tail(self, case: Case) -> None:
        """Every layer after which no weighted one follows, over all outputs."""
        graph = case.traced.graph
        found = {graph.nodes[i].name for i in tails(graph, [node.name for node in graph.outputs])}
        layers = case.computing_layers
        assert found & {node.name for node in layers} == {layers[i].name for i in case.architecture.tail}

    def test_norms_fold_into_what_computes_their_input(self, case: Case) -> None:
        """Removed layers and their hosts."""
        layers = case.computing_layers
        expected = {
            layers[norm].name: None if host is None else layers[host].name
            for norm, host in case.architecture.hosts.items()
        }
        assert dict(removals(case.traced.graph)) == expected

    def test_a_layer_called_twice_is_two_that_share_path_and_weight(
        self, cases: Callable[[str], Case]
    ) -> None:
        """So that a rule by path selects both, and a weight used twice is known as one."""
        first, second, _ = [node for node in cases("shared").computing_layers if node.type == "linear"]
        assert first.path == second.path
        assert _identities(first) == _identities(second)


def _weighted(case: Case) -> list[Node]:
    return [node for node in case.computing_layers if node.weights]


def _identities(node: Node) -> list[tuple[str, str]]:
    return sorted((weight.role, weight.identity) for weight in node.weights)

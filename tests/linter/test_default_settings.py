"""What default settings and the guide's examples bring: nothing that would fail a run of `clika lint`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clika_core.diagnostics import Severity
from clika_core.ir.graph import Graph
from clika_core.settings.load import read_document
from clika_linter.context import Context
from clika_linter.engine import Engine
from clika_linter.reported import Reported
from clika_linter.rules.table import RULES
from tests.core.planning import networks

_SKIP = "layer_settings:\n  adaptive_avg_pool_1:\n    quantization_settings:\n      skip_quantization: true\n"
GUIDE = {
    "example 1": _SKIP + "      skip_quantization_until: [linear_5]\n",
    "example 2": _SKIP + "      skip_quantization_downstream: true\n",
}


def findings(settings: str, graph: Graph) -> list[Reported]:
    context = Context(read_document(settings, "settings.yaml"), graph)
    return Engine().check(RULES, context).findings


def loud(settings: str, graph: Graph) -> list[str]:
    return [f"{f.code} {f.message}" for f in findings(settings, graph) if f.severity is not Severity.INFO]


@pytest.mark.parametrize(
    "network", [networks.classifier, networks.residual, networks.detector], ids=lambda make: make.__name__
)
def test_default_settings_bring_nothing_above_info(network: Callable[[], Graph]) -> None:
    assert loud("", network()) == []


@pytest.mark.parametrize("example", GUIDE)
def test_the_guides_examples_bring_nothing_above_info(example: str) -> None:
    assert loud(GUIDE[example], networks.classifier()) == []


def test_the_tails_of_caches_are_a_warning_that_a_list_of_outputs_mends() -> None:
    decoder = networks.transformer()
    assert [line.partition(":")[0] for line in loud("", decoder)] == [
        "CLK101 the tails of 3 outputs keep 5 layers float, 25 % of the multiply-accumulates"
    ]
    listed = "global_quantization_settings: {skip_tail_quantization: [last_hidden_state]}\n"
    assert loud(listed, decoder) == []


def test_every_model_has_its_tail_told() -> None:
    told = [f.message for f in findings("", networks.classifier()) if f.code == "CLK101"]
    assert told == ["the tail of output_1 keeps linear_5 float, 0.2 % of the multiply-accumulates"]

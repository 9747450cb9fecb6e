"""Graphs of 10^5 nodes: written, read, assembled within seconds; bounds are generous, for slow machines."""

from __future__ import annotations

from pathlib import Path

import pytest

from clika_core.ir.assembly import assemble
from clika_core.ir.snapshot import load_graph, save_graph
from clika_core.testing import GraphBuilder, RecordingBuilder
from tests.core.ir import spellings
from tests.spending import at_most


@pytest.mark.nightly
def test_a_snapshot_of_a_hundred_thousand_nodes_is_written_and_read(tmp_path: Path) -> None:
    g = GraphBuilder()
    h = g.input("x", ("d0", 16, 8, 8))
    for block in range(50_000):
        h = g.layer("relu", g.layer("conv", h, weight=(16, 16, 3, 3), path=f"blocks.{block}", strides=(1, 1)))
    g.output(h)
    graph = g.build()
    with at_most(20):
        save_graph(graph, tmp_path / "g.json")
    with at_most(20):
        again = load_graph(tmp_path / "g.json")
    assert again == graph


@pytest.mark.nightly
def test_a_recording_of_a_hundred_thousand_operations_is_assembled() -> None:
    r = RecordingBuilder()
    h = r.input("input", spellings.SHAPE)
    for _ in range(5_000):
        h = r.op("add", h, spellings.gelu_tanh_jax(r, spellings.layer_norm(r, h)))
    r.output(h)
    recording = r.build()
    with at_most(30):
        assembly = assemble(recording)
    assert [node.type for node in assembly.graph.layers[:3]] == ["layer_norm", "gelu", "add"]
    assert len(assembly.graph.layers) == 15_000

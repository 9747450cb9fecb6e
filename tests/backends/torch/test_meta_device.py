"""Models without weights: what is on the meta device traces, plans and explains as if it were there."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import clika_core as clika
from clika_core.errors import ModelError
from clika_core.planning.decision import CauseKind, Precision
from clika_core.planning.explain import explain_layer
from clika_core.planning.planner import Planner
from clika_core.targets.ort import ORT
from tests.backends.torch.zoo.catalogue import ZOO
from tests.backends.zoo.installed import has_packages


class Decoder(nn.Module):
    """Blocks of attention and a gated feed-forward layer."""

    def __init__(self, width: int = 4096, blocks: int = 2) -> None:
        super().__init__()
        self.embed = nn.Embedding(1000, width)
        self.blocks = nn.ModuleList(
            nn.ModuleDict({name: nn.Linear(width, width, bias=False) for name in ("q", "k", "v", "o")})
            for _ in range(blocks)
        )
        self.head = nn.Linear(width, 1000, bias=False)

    def forward(self, tokens: Tensor) -> Any:
        x = self.embed(tokens)
        for block in self.blocks:
            q, k, v = (block[name](x).unflatten(-1, (32, -1)).transpose(1, 2) for name in "qkv")  # type: ignore[index]
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + block["o"](mixed.transpose(1, 2).flatten(2))  # type: ignore[index]
        return self.head(x)


def on_meta(make: Any) -> nn.Module:
    with torch.device("meta"):
        model: nn.Module = make()
    return model.eval()


def tokens(device: str) -> Tensor:
    return torch.zeros(2, 16, dtype=torch.int64, device=device)


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_a_model_without_weights_has_the_graph_of_one_with_weights(device: str) -> None:
    bare = clika.trace(on_meta(Decoder), (tokens(device),)).graph
    real = clika.trace(Decoder(width=64).eval(), (tokens("cpu"),)).graph
    assert [(n.name, n.type, n.path) for n in bare.layers] == [(n.name, n.type, n.path) for n in real.layers]
    weight = bare["linear_1"].weight("weight")
    assert weight is not None
    assert weight.shape == (4096, 4096)


def test_rules_decide_and_are_explained_on_it() -> None:
    graph = clika.trace(on_meta(Decoder), (tokens("meta"),)).graph
    settings = clika.Settings()
    skip = clika.LayerQuantizationSettings(skip_quantization=True)
    settings.set_quantization_settings_for_layer("path:blocks.1", skip)
    plan = clika.plan(graph, settings, target="ort")
    for node in graph.layers:
        if node.type == "linear" and (node.path or "").startswith("blocks."):
            is_skipped = (node.path or "").startswith("blocks.1.")
            assert plan[node.name].precision == (Precision.FLOAT if is_skipped else Precision.QUANTIZED)
            assert (CauseKind.RULE in [cause.kind for cause in plan[node.name].causes]) is is_skipped
    explained = explain_layer(Planner(graph, ORT), settings, "linear_5")
    assert explained.without == {"path:blocks.1": Precision.QUANTIZED}
    assert "blocks.1" in " ".join(explained.sentences())


def test_what_needs_weights_says_that_there_are_none() -> None:
    with pytest.raises(ModelError, match="no weights to quantize") as raised:
        clika.compress(on_meta(Decoder), calibration_data=[(tokens("meta"),)], output_dir=None)
    assert raised.value.found == "'embed.weight' on the meta device"


@pytest.mark.nightly
@pytest.mark.skipif(not has_packages(ZOO), reason="transformers comes with `tox -e models`")
@pytest.mark.filterwarnings("ignore")
def test_llama_of_seven_billion_costs_little_beyond_the_export() -> None:
    from benchmarks.large_model import llama, measure

    row = measure(llama(32), runs=2)
    assert row.parameters > 6.7e9
    assert row.layers > 1000
    assert row.own_share <= 0.2
    assert row.memory_mib < 400  # the weights would take 25,700

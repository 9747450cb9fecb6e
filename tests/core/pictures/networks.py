"""Small planned networks that show everything a picture can: the golden files are drawn from them."""

from __future__ import annotations

from clika_core.errors import Location
from clika_core.ir.graph import Graph
from clika_core.planning.plan import Plan, make_plan
from clika_core.settings import LayerQuantizationSettings, LayerRule, Settings
from clika_core.targets.ort import ORT
from clika_core.testing.builder import Built, GraphBuilder
from tests.core.pictures.texts import SNIPPETS


def residual_graph() -> Graph:
    """Convolutions with batch norms, a residual add, a classifier with a dropout."""
    g = GraphBuilder("residual")
    x = g.input("x", ("d0", 3, 32, 32))
    stem = g.layer("relu", _normed(g, x, (16, 3, 3, 3), "stem"), path="stem.act")
    inner = g.layer("relu", _normed(g, stem, (16, 16, 3, 3), "block.first"), path="block.act")
    block = g.layer("add", _normed(g, inner, (16, 16, 3, 3), "block.second"), stem, path="block")
    pooled = g.layer("adaptive_avg_pool", g.layer("relu", block), output_size=(1, 1), shape=("d0", 16, 1, 1))
    flat = g.layer("flatten", pooled, start_axis=1, end_axis=-1, shape=("d0", 16))
    hidden = g.layer("linear", g.layer("dropout", flat, rate=0.5), weight=(32, 16), bias=(32,), path="head.0")
    logits = g.layer("linear", g.layer("gelu", hidden), weight=(10, 32), bias=(10,), path="head.2")
    g.output(g.layer("softmax", logits, axis=-1), path="probabilities")
    return g.build()


def residual() -> Plan:
    """With a rule over a range, one on a single layer, one that overrides the tail, and measured QS."""
    graph = residual_graph()
    settings = Settings()
    settings.global_quantization_settings.quantization_sensitivity_threshold = 0.1
    _rule(settings, "adaptive_avg_pool_1", 14, skip_quantization_until=["linear_1"])
    _rule(settings, "conv_2", 18)
    kept = LayerQuantizationSettings(skip_quantization=False)
    settings.set_rule(LayerRule("linear_2", kept, Location("settings.yaml", 22)))
    measured = {"conv_1": 0.0123, "relu_1": 0.0123, "conv_3": 0.25, "add_1": 0.004567, "linear_2": 0.0021}
    return make_plan(graph, settings, ORT, measured)


def attention() -> Plan:
    """Integer inputs, operands with roles, a layer with two outputs, one without floating-point output."""
    g = GraphBuilder("attention")
    ids, mask = g.input("input_ids", ("d0", "d1"), "int64"), g.input("mask", ("d0", 1, 1, "d1"), "bool")
    h = g.layer("embedding", ids, weight=(1000, 64), shape=("d0", "d1", 64), path="embeddings")
    q, k, v = (g.layer("linear", h, weight=(64, 64), path=f"attention.{name}") for name in ("q", "k", "v"))
    mixed = g.layer("attention", q, k, v, mask, shape=("d0", "d1", 64), scale=0.125, path="attention")
    halves = g.layer("split", g.layer("linear", mixed, weight=(128, 64)), outputs=2, axis=-1, sizes=(64, 64))
    gate = g.layer("sigmoid", halves.port(1))
    gated = g.layer("linear", g.layer("mul", halves.port(0), gate), weight=(64, 64), bias=(64,), path="out")
    g.output(gated, path="last_hidden_state")
    g.output(g.layer("argmax", gated, axes=(-1,), shape=("d0", "d1")), path="tokens")
    return make_plan(g.build(), Settings(), ORT)


def hostile() -> Plan:
    """Every text of a file tries to be something else; a layer has the name that a border takes."""
    g = GraphBuilder(SNIPPETS[0])
    h = g.input(SNIPPETS[1], ("d0", 8))
    for position, text in enumerate(SNIPPETS[2:]):
        source = Location(text, 1)
        h = g.layer(
            text or "none", h, name=f"{text}{position}", path=text, aliases=(text,), source=source, key=text
        )
    h = g.layer("linear", h, weight=(8, 8), name="x_dequantized", path="a" * 300)
    g.output(
        g.layer("linear", g.layer("relu", h, name="x"), weight=(8, 8)), name=SNIPPETS[2], path=SNIPPETS[3]
    )
    return make_plan(g.build(), Settings(), ORT)


def _normed(g: GraphBuilder, x: Built, weight: tuple[int, int, int, int], path: str) -> Built:
    """A convolution and its batch norm."""
    y = g.layer(
        "conv",
        x,
        weight=weight,
        path=f"{path}.conv",
        source=Location("model.py", 12),
        kernel_size=weight[2:],
        strides=(1, 1),
        padding=(1, 1),
        dilations=(1, 1),
        groups=1,
        shape=("d0", weight[0], 32, 32),
    )
    return g.layer("batch_norm", y, weight=weight[:1], bias=weight[:1], path=f"{path}.norm", epsilon=1e-5)


def _rule(settings: Settings, selector: str, line: int, **keys: list[str]) -> None:
    """A rule that skips, as if read from line `line` of a settings file."""
    wanted = LayerQuantizationSettings(
        skip_quantization=True, skip_quantization_until=keys.get("skip_quantization_until")
    )
    settings.set_rule(LayerRule(selector, wanted, Location("settings.yaml", line)))

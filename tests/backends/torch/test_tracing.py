"""What a trace says about a model: layers, names, operands, paths, places; and that the model stays as it was."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from clika_core.ir.graph import Graph, Node
from clika_torch.tracing import trace
from tests.backends.torch import models
from tests.backends.torch.conftest import traced_case
from tests.backends.torch.models import CASES


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph]


def graph_of(name: str) -> Graph:
    return traced_case(name)[1].graph


def reads(node: Node) -> list[tuple[str, int, str]]:
    return [(port.producer, port.port, port.role) for port in node.inputs]


def roles(node: Node) -> dict[str, str]:
    return {weight.role: weight.identity for weight in node.weights}


def test_a_classifiers_layers_have_the_names_of_the_product_guide() -> None:
    assert names(graph_of("classifier")) == [
        *("x", "conv_1", "relu_1", "max_pool_1", "conv_2", "adaptive_avg_pool_1", "flatten_1"),
        *("linear_1", "relu_2", "dropout_1", "linear_2", "relu_3", "linear_3", "linear_4", "linear_5"),
        "output_1",
    ]


def test_layers_know_their_module_the_framework_s_name_and_the_line_that_called_them() -> None:
    node = graph_of("classifier")["linear_5"]
    assert node.path == "classifier.7"
    assert "linear_4" in node.aliases
    assert node.source is not None
    assert Path(node.source.file) == Path(models.__file__)
    lines = Path(models.__file__).read_text().splitlines()
    assert lines[node.source.line - 1].strip() == "y: Tensor = self.classifier(torch.flatten(x, 1))"


def test_a_convolution_says_its_window_per_axis() -> None:
    graph = graph_of("classifier")
    assert dict(graph["conv_1"].attributes) == {
        "kernel_size": (3, 3),
        "strides": (2, 2),
        "padding": ((1, 1), (1, 1)),
        "dilations": (1, 1),
        "groups": 1,
    }
    assert roles(graph["conv_1"]) == {"weight": "features.0.weight", "bias": "features.0.bias"}
    assert graph_of("residual")["conv_1"].attributes["padding"] == ((1, 1), (1, 1))


def test_operations_in_place_are_edges_like_any_other() -> None:
    graph = graph_of("residual")
    assert names(graph) == [
        *("x", "conv_1", "batch_norm_1", "relu6_1", "conv_2", "batch_norm_2", "add_1", "relu6_2", "output_1")
    ]
    assert reads(graph["add_1"]) == [("batch_norm_2", 0, "input"), ("x", 0, "other")]
    assert reads(graph["relu6_2"]) == [("add_1", 0, "input")]


def test_a_module_called_twice_is_two_layers_on_one_path_and_one_weight() -> None:
    graph = graph_of("twice")
    first, second = graph["linear_1"], graph["linear_2"]
    assert first.path == second.path == "block.0"
    assert roles(first) == roles(second)


def test_tied_weights_have_one_identity() -> None:
    graph = graph_of("tied")
    (head,) = (node for node in graph.layers if node.type == "linear")
    tables = [node for node in graph.layers if node.type == "embedding"]
    assert roles(head)["weight"] in {roles(table)["weight"] for table in tables}


def test_positions_of_a_fixed_length_are_a_weight() -> None:
    graph = graph_of("tied")
    assert [node.type for node in graph.layers] == ["embedding", "add", "layer_norm", "linear"]
    assert set(roles(graph["add_1"])) == {"other"}


def test_a_recurrent_layer_is_one_layer_with_three_results() -> None:
    graph = graph_of("tagger")
    lstm = graph["lstm_1"]
    assert len(lstm.outputs) == 3
    assert set(roles(lstm)) == {"states.0", "states.1", *(f"weights.{i}" for i in range(16))}
    assert lstm.attributes == {"num_layers": 2, "bidirectional": True, "batch_first": True}
    assert [(node.inputs[0].key, node.aliases) for node in graph.outputs][1] == (("lstm_1", 1), ("state.0",))


def test_inputs_are_named_after_arguments_and_outputs_after_their_place_in_the_result() -> None:
    assert [node.name for node in graph_of("tagger").inputs] == ["tokens", "mask"]
    graph = graph_of("structured")
    assert [node.name for node in graph.inputs] == ["batch.x", "batch.more.0"]
    assert [node.aliases for node in graph.outputs] == [
        *(("out.logits",), ("out.hidden.0",), ("out.hidden.1",), ("pair.first",), ("pair.second",))
    ]


def test_what_the_core_recognises_is_one_layer() -> None:
    types = [node.type for node in graph_of("hand_written_attention").layers]
    assert types.count("attention") == types.count("rms_norm") == types.count("gelu") == 1
    assert "softmax" not in types


def test_attention_of_torch_s_own_is_one_layer_between_its_projections() -> None:
    types = [node.type for node in graph_of("encoder").layers]
    assert types.count("attention") == 1
    assert types.count("linear") == 4
    assert types.count("layer_norm") == 2


def test_sizes_are_attributes_in_terms_of_the_batch() -> None:
    shapes = [
        node.attributes["shape"]
        for node in graph_of("hand_written_attention").layers
        if node.type == "reshape"
    ]
    assert shapes == [("d0", 5, 3, 2, 8), ("d0", 5, 16)]


def test_a_dense_layer_that_keeps_its_weight_transposed_is_a_linear_layer_with_weight_out_in() -> None:
    node = graph_of("convolution_as_matrix")["linear_1"]
    weight = node.weight("weight")
    assert weight is not None
    assert (weight.shape, weight.identity) == ((4, 6), "weight")


def test_contexts_that_change_no_numbers_leave_no_trace() -> None:
    assert [node.type for node in graph_of("contexts").layers] == [
        "mul",
        "identity",
        "sin",
        "mul",
        "linear",
        "mul",
    ]


def test_types_outside_the_vocabulary_keep_their_name_and_are_reported() -> None:
    class Special(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y: Tensor = torch.special.i0e(x)
            return y.neg()

    graph = trace(Special(), torch.rand(2, 3)).graph
    assert graph.layers[0].type == "aten.special_i0e.default"
    assert [diagnostic.code for diagnostic in graph.diagnostics] == ["unknown-operator"]


@pytest.mark.parametrize("inputs", [lambda a: a, lambda a: (a,), lambda a: [a], lambda a: {"x": a}])
def test_inputs_may_be_one_array_a_tuple_a_list_or_a_dict_also_of_numpy(inputs: Any) -> None:
    array = np.ones((2, 8), np.float32)
    array.flags.writeable = False
    model, traced = traced_case("twice")
    again = trace(model, inputs(array))
    assert again.graph.fingerprint == traced.graph.fingerprint
    torch.testing.assert_close(traced.run(inputs(array)), model(torch.ones(2, 8)))


def test_tracing_leaves_the_model_as_it_was() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Dropout(0.5))
            self.calls: Tensor
            self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
            self.seen: list[int] = []

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            self.seen.append(len(self.seen))
            y: Tensor = self.inner(x)
            return y

    model = Counting()
    model.train()
    model.inner[2].eval()
    next(model.parameters()).requires_grad_(False)
    before, objects = copy.deepcopy(model.state_dict()), [id(tensor) for tensor in model.parameters()]
    modes, flags = [m.training for m in model.modules()], [p.requires_grad for p in model.parameters()]
    traced = trace(model, torch.randn(1, 1, 6, 6))
    traced.run(torch.randn(3, 1, 6, 6))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [id(tensor) for tensor in model.parameters()] == objects
    assert [m.training for m in model.modules()] == modes
    assert [p.requires_grad for p in model.parameters()] == flags
    assert model.seen == []


def test_a_model_is_traced_in_evaluation_mode_whatever_its_mode() -> None:
    model = CASES["residual"].model()
    x = torch.randn(2, 4, 6, 6)
    expected = model(x)
    model.train()
    torch.testing.assert_close(trace(model, x).run(x), expected)


def test_a_model_that_depends_on_its_batch_is_traced_with_that_batch_and_says_so() -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.start = nn.Parameter(torch.randn(1, 1, 4))

        def forward(self, x: Tensor) -> Tensor:
            return torch.cat([self.start, x], dim=1)

    traced = trace(Fixed(), torch.randn(1, 3, 4))
    assert traced.graph.inputs[0].outputs[0].shape == (1, 3, 4)
    assert [diagnostic.code for diagnostic in traced.graph.diagnostics] == ["fixed-batch"]
    assert traced.run(torch.randn(1, 3, 4)).shape == (1, 4, 4)


def test_torch_compile_s_wrapper_is_looked_through() -> None:
    model = CASES["twice"].model()
    compiled = torch.compile(model, backend="eager")
    assert isinstance(compiled, nn.Module)
    assert trace(compiled, torch.randn(2, 8)).graph.fingerprint == graph_of("twice").fingerprint

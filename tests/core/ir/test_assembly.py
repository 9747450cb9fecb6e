"""Recordings become graphs: what is a layer, what is folded, how layers are named."""

from __future__ import annotations

import pytest

from clika_core.diagnostics import Diagnostic
from clika_core.ir.assembly import Assembly, assemble
from clika_core.ir.graph import Graph, InputPort, Weight
from clika_core.ir.recording import Ref, SymbolicSize
from clika_core.testing import RecordingBuilder


def names(graph: Graph) -> list[str]:
    return [node.name for node in graph]


def codes(diagnostics: tuple[Diagnostic, ...]) -> list[str]:
    return [diagnostic.code for diagnostic in diagnostics]


def linear(r: RecordingBuilder, x: Ref, out: int, name: str = "fc", path: str | None = None) -> Ref:
    return r.op("linear", x, r.parameter(f"{name}.weight", (out, 8)), shape=("s0", out), path=path)


def two_layers(batch: int = 2) -> Assembly:
    r = RecordingBuilder(batch)
    x = r.input("x", ("s0", 8))
    r.output(r.op("relu", linear(r, x, 4, path="net/0"), path="net[1]"), "logits")
    return assemble(r.build())


def test_layers_are_named_by_type_and_counter_between_inputs_and_outputs() -> None:
    assert names(two_layers().graph) == ["x", "linear_1", "relu_1", "output_1"]


def test_the_graph_is_the_same_for_every_batch_size() -> None:
    small, large = two_layers(2).graph, two_layers(64).graph
    assert small.fingerprint == large.fingerprint
    assert names(small) == names(large)
    assert small["relu_1"].outputs[0].example_shape != large["relu_1"].outputs[0].example_shape


def test_paths_are_normalised_and_the_first_alias() -> None:
    node = two_layers().graph["relu_1"]
    assert node.path == "net.1"
    assert node.aliases[0] == "net.1"
    assert node.aliases[1].startswith("relu:")


def test_an_output_has_its_path_as_alias() -> None:
    assert two_layers().graph["output_1"].aliases == ("logits",)


def test_a_parameter_becomes_a_weight_of_its_reader() -> None:
    node = two_layers().graph["linear_1"]
    assert node.inputs == (InputPort("x", 0, "input"),)
    assert node.weights == (Weight("weight", (4, 8), "float32", "fc.weight"),)


def test_a_region_says_how_to_run_a_layer() -> None:
    region = two_layers().regions["linear_1"]
    assert [name.split(":")[0] for name in region.operations] == ["linear"]
    assert [ref.record.split(":")[0] for ref in region.inputs] == ["input"]
    assert {role: ref.record.split(":")[0] for role, ref in region.weights.items()} == {"weight": "parameter"}
    assert [ref.record for ref in region.outputs] == list(region.operations)


def test_every_layer_and_nothing_else_has_a_region_beside_its_ports() -> None:
    assembly = two_layers()
    assert list(assembly.regions) == [node.name for node in assembly.graph.layers]
    for node in assembly.graph.layers:
        region = assembly.regions[node.name]
        assert len(region.inputs) == len(node.inputs)
        assert len(region.outputs) == len(node.outputs)
        assert set(region.weights) == {weight.role for weight in node.weights}


def test_a_permuted_weight_keeps_the_identity_of_its_parameter() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    weight = r.op("permute", r.parameter("fc.weight", (8, 4)), axes=(1, 0))
    r.output(r.op("linear", x, weight, shape=("s0", 4)))
    (node,) = assemble(r.build()).graph.layers
    assert node.weights == (Weight("weight", (4, 8), "float32", "fc.weight"),)


def test_tied_weights_have_one_identity() -> None:
    r = RecordingBuilder()
    table = r.parameter("embed", (10, 8))
    h = r.op("embedding", r.input("ids", ("s0", 3), "int64"), table, shape=("s0", 3, 8), dtype="float32")
    r.output(r.op("linear", h, r.parameter("embed", (10, 8)), shape=("s0", 3, 10)))
    embedding, head = assemble(r.build()).graph.layers
    assert embedding.weights[0].identity == head.weights[0].identity == "embed"


def test_equal_expressions_of_parameters_have_one_identity_and_others_another() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    weight, gain = r.parameter("w", (4, 8)), r.parameter("g", (4, 1))
    for factor in (gain, gain, 2.0, 3.0):
        r.output(r.op("linear", x, r.op("mul", weight, factor), shape=("s0", 4)))
    first, second, third, fourth = (n.weights[0].identity for n in assemble(r.build()).graph.layers)
    assert first == second
    assert len({first, third, fourth, "w"}) == 4


def test_identities_stay_short_and_distinct_in_deep_expressions() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    weight = r.parameter("w", (4, 8))
    for _ in range(200):
        weight = r.op("add", weight, weight)
        r.output(r.op("linear", x, weight, shape=("s0", 4)))
    identities = [node.weights[0].identity for node in assemble(r.build()).graph.layers]
    assert len(set(identities)) == 200
    assert max(map(len, identities)) < 220


def test_two_random_parameters_are_not_tied() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    for _ in range(2):
        r.output(r.op("add", x, r.op("random", shape=(8,))))
    first, second = assemble(r.build()).graph.layers
    assert first.weights[0].identity != second.weights[0].identity


def test_tensors_made_of_sizes_are_no_layers_but_operands_of_their_readers() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    h = r.op("relu", x)
    size = r.size(h)
    zeros = r.op("zeros", size, shape=("s0", 8))
    r.output(r.op("unknown", h, zeros))
    graph = assemble(r.build()).graph
    assert names(graph) == ["x", "relu_1", "unknown_1", "output_1"]
    assert graph["unknown_1"].inputs == (InputPort("relu_1", 0, "input"),)
    assert graph["unknown_1"].weights == (Weight("other", (1, 8), "int64", "zeros:3"),)


def test_a_parameter_repeated_for_every_sample_is_a_layer_without_inputs() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 5, 8))
    token = r.op("expand", r.parameter("cls", (1, 1, 8)), shape=("s0", 1, 8))
    r.output(r.op("concat", token, x, shape=("s0", 6, 8), axis=1))
    graph = assemble(r.build()).graph
    assert names(graph) == ["x", "expand_1", "concat_1", "output_1"]
    assert graph["expand_1"].inputs == ()
    assert graph["expand_1"].weights == (Weight("input", (1, 1, 8), "float32", "cls"),)


def test_a_layer_that_leads_nowhere_is_dropped_and_reported() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    r.op("sigmoid", r.op("tanh", x), path="unused/head")
    r.output(r.op("relu", x))
    assembly = assemble(r.build())
    assert names(assembly.graph) == ["x", "relu_1", "output_1"]
    assert list(assembly.regions) == ["relu_1"]
    assert codes(assembly.diagnostics) == ["unreachable-layer", "unreachable-layer"]
    assert "'unused.head'" in assembly.diagnostics[1].message
    assert assembly.graph.diagnostics == assembly.diagnostics


def test_counters_pass_over_dropped_layers() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    r.op("relu", x)
    r.output(r.op("relu", x))
    assert names(assemble(r.build()).graph) == ["x", "relu_1", "output_1"]


def test_a_tensor_made_of_sizes_as_output_is_a_constant_that_follows_them() -> None:
    r = RecordingBuilder()
    r.input("x", ("s0", 8))
    r.output(r.op("full", shape=("s0", 4)))
    graph = assemble(r.build()).graph
    assert graph["constant_1"].outputs[0].shape == ("d0", 4)
    (held,) = graph["constant_1"].weights
    assert (held.role, held.shape) == ("value", (1, 4))


def test_a_parameter_as_output_is_a_constant_layer_shared_by_its_outputs() -> None:
    r = RecordingBuilder()
    r.input("x", ("s0", 8))
    table = r.parameter("table", (3, 8))
    r.output(table, "a")
    r.output(table, "b")
    assembly = assemble(r.build())
    assert names(assembly.graph) == ["x", "constant_1", "output_1", "output_2"]
    assert assembly.graph["constant_1"].weights == (Weight("value", (3, 8), "float32", "table"),)
    region = assembly.regions["constant_1"]
    assert (region.operations, region.inputs) == ((), ())
    assert region.outputs == (table,)
    assert dict(region.weights) == {"value": table}


def test_an_input_may_be_an_output() -> None:
    r = RecordingBuilder()
    r.output(r.input("x", ("s0", 8)))
    graph = assemble(r.build()).graph
    assert graph["output_1"].inputs == (InputPort("x", 0, "input"),)
    assert graph.layers == ()


def test_inputs_without_a_name_are_numbered_and_never_clash() -> None:
    r = RecordingBuilder()
    operands = [r.input(path, ("s0", 8)) for path in (None, "input_1", "relu_1", None)]
    r.output(r.op("relu", operands[2]))
    r.output(r.op("concat", *operands, shape=("s0", 32), axis=1))
    graph = assemble(r.build()).graph
    assert names(graph)[:6] == ["input_2", "input_1", "relu_1", "input_3", "relu_2", "concat_1"]


def test_a_type_outside_the_vocabulary_keeps_its_name_and_is_reported_once() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s0", 8))
    r.output(r.op("Aten.FancyOp", r.op("Aten.FancyOp", x)))
    assembly = assemble(r.build())
    assert [(n.name, n.type) for n in assembly.graph.layers] == [
        ("aten_fancy_op_1", "Aten.FancyOp"),
        ("aten_fancy_op_2", "Aten.FancyOp"),
    ]
    (finding,) = assembly.diagnostics
    assert finding.code == "unknown-operator"
    assert finding.related == ("aten_fancy_op_1", "aten_fancy_op_2")


def test_a_layer_called_twice_is_two_layers_that_share_their_path() -> None:
    r = RecordingBuilder()
    h = linear(r, r.input("x", ("s0", 8)), 8, path="block")
    r.output(linear(r, h, 8, path="block"))
    first, second = assemble(r.build()).graph.layers
    assert first.path == second.path == "block"
    assert first.weights == second.weights


def test_several_outputs_are_read_by_port_and_one_value_twice_by_two_edges() -> None:
    r = RecordingBuilder()
    parts = r.op("split", r.input("x", ("s0", 8)), outputs=2, shape=("s0", 4), axis=1)
    product = r.op("mul", Ref(parts.record, 1), Ref(parts.record, 1))
    r.output(product)
    graph = assemble(r.build()).graph
    assert graph["mul_1"].inputs == (InputPort("split_1", 1, "input"), InputPort("split_1", 1, "other"))


def test_symbols_are_renamed_by_first_appearance_also_inside_expressions() -> None:
    r = RecordingBuilder()
    x = r.input("x", ("s77", "s3"))
    shape = (SymbolicSize("s3*s77"), SymbolicSize("max(s77, 1)"), "s3")
    r.output(r.op("reshape", x, shape=("s77*s3",), sizes=shape))
    graph = assemble(r.build()).graph
    assert graph["x"].outputs[0].shape == ("d0", "d1")
    assert graph["reshape_1"].outputs[0].shape == ("d0*d1",)
    assert graph["reshape_1"].attributes["sizes"] == ("d1*d0", "max(d0, 1)", "s3")  # plain text is no symbol


@pytest.mark.parametrize("bounds", [(0, 6), (0.0, 6.0)])
def test_a_clamp_from_zero_to_six_is_a_relu6(bounds: tuple[float, float]) -> None:
    r = RecordingBuilder()
    r.output(r.op("clamp", r.input("x", ("s0", 8)), min=bounds[0], max=bounds[1]))
    (node,) = assemble(r.build()).graph.layers
    assert (node.name, node.type, dict(node.attributes), node.body) == ("relu6_1", "relu6", {}, ())

"""Every spelling of a norm or activation is one layer; what is almost a spelling computes what it did before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from clika_core.ir.assembly import assemble
from clika_core.ir.composites import COMPOSITES
from clika_core.ir.composites.composite import Composite
from clika_core.ir.composites.dsl import op, var
from clika_core.ir.composites.recognition import stages
from clika_core.ir.graph import Node
from clika_core.ir.operators import OPERATORS
from clika_core.ir.recording import RecordedOutput, Recording, RecordKind, Ref
from clika_core.testing import RecordingBuilder
from tests.core.ir import spellings
from tests.core.ir.evaluation import Array, run_graph, run_recording
from tests.core.ir.mutants import mutants
from tests.core.ir.spellings import SHAPE, SPELLINGS, Spelling, record

CASES = [(name, spelling) for name, ways in SPELLINGS.items() for spelling in ways]
IDS = [spelling.__name__ for _, spelling in CASES]
each_spelling = pytest.mark.parametrize(("name", "spelling"), CASES, ids=IDS)


def values(recording: Recording) -> dict[str, Array]:
    """Inputs between -6 and 6, away from 0; parameters positive, as a variance must be."""
    generator = np.random.default_rng(0)
    found: dict[str, Array] = {}
    for one in recording.records:
        if one.kind in (RecordKind.INPUT, RecordKind.PARAMETER):
            sign = 3 * generator.choice([-1, 1]) if one.kind is RecordKind.INPUT else 1
            found[one.id] = sign * generator.uniform(0.1, 2.0, one.outputs[0].example_shape)
    return found


def layers(recording: Recording) -> list[Node]:
    return list(assemble(recording).graph.layers)


def types(recording: Recording) -> list[str]:
    return [node.type for node in layers(recording)]


def assert_computes_the_same(recording: Recording) -> None:
    given = values(recording)
    expected = run_recording(recording, given)
    found = run_graph(assemble(recording), recording, given)
    for one, other in zip(found, expected, strict=True):
        finite = np.isfinite(other)  # where the primitives overflow, a better formula may not
        np.testing.assert_allclose(one[finite], other[finite], rtol=1e-3, atol=1e-4)


def data_operations(recording: Recording) -> list[str]:
    """Operations that depend on an input, in order."""
    on_data = [one.id for one in recording.records if one.kind is RecordKind.INPUT]
    inputs = len(on_data)
    for one in recording.records:
        if any(ref.record in on_data for _, ref in one.operands):
            on_data.append(one.id)
    return on_data[inputs:]


@each_spelling
def test_a_spelling_is_one_layer_that_computes_the_same(name: str, spelling: Spelling) -> None:
    assert types(record(spelling)) == [name]
    assert_computes_the_same(record(spelling))


@each_spelling
def test_operands_and_attributes_are_those_of_the_vocabulary(name: str, spelling: Spelling) -> None:
    (node,) = layers(record(spelling))
    roles = [port.role for port in node.inputs] + [weight.role for weight in node.weights]
    assert sorted(roles, key=OPERATORS[name].operands.index) == roles
    assert set(node.attributes) <= set(OPERATORS[name].attributes)


@each_spelling
def test_region_and_body_hold_all_its_primitives_in_order(name: str, spelling: Spelling) -> None:
    recording = record(spelling)
    assembly = assemble(recording)
    operations = data_operations(recording)
    assert list(assembly.regions[f"{name}_1"].operations) == operations
    body = [part.framework_name for part in assembly.graph[f"{name}_1"].body]
    assert [part for part in body if part in operations] == (operations if len(operations) > 1 else [])


@each_spelling
def test_an_inner_value_that_is_read_outside_stays_a_value(name: str, spelling: Spelling) -> None:
    recording = record(spelling)
    for inner in data_operations(recording)[:-1]:
        leaking = replace(recording, outputs=(*recording.outputs, RecordedOutput(Ref(inner))))
        assert types(leaking) != [name]
        assert_computes_the_same(leaking)


@each_spelling
def test_two_in_a_row_are_two_layers(name: str, spelling: Spelling) -> None:
    r = RecordingBuilder()
    h = r.input("input", SHAPE)
    for _ in range(2):
        h = spelling(r, h)
    r.output(h)
    assert types(r.build()) == [name, name]


@pytest.mark.filterwarnings(
    "ignore:.*encountered in:RuntimeWarning"
)  # mutants take roots of negative numbers
@each_spelling
def test_a_mutant_computes_what_its_primitives_do(name: str, spelling: Spelling) -> None:
    every = list(mutants(record(spelling)))
    recognised = [mutant for mutant in every if types(mutant) != primitive_types(mutant)]
    assert any(name not in types(mutant) for mutant in every)
    for mutant in recognised:
        assert_computes_the_same(mutant)


def primitive_types(recording: Recording) -> list[str]:
    return [one.type for one in recording.records if one.kind is RecordKind.OPERATION]


def softmax_of_two_axes(r: RecordingBuilder, x: Ref) -> Ref:
    exponential = r.op("exp", x)
    return r.op("div", exponential, r.op("sum", exponential, axes=(1, 2), keep_dims=True))


def layer_norm_of_unbiased_variance(r: RecordingBuilder, x: Ref) -> Ref:
    variance = r.op("var", x, axes=(2,), keep_dims=True, correction=1)
    return r.op("div", r.op("sub", x, spellings.mean(r, x)), r.op("sqrt", r.op("add", variance, 1e-5)))


def norm_of_a_reduction_that_broadcasts_along_another_axis(r: RecordingBuilder, x: Ref) -> Ref:
    lost = r.op("mean", r.op("square", x), axes=(1,))
    return r.op("div", x, r.op("sqrt", r.op("add", lost, 1e-5)))


def batch_norm_with_statistics_of_every_element(r: RecordingBuilder, x: Ref) -> Ref:
    average, variance = r.parameter("m", (4, 4)), r.parameter("v", (4, 4))
    return r.op("div", r.op("sub", x, average), r.op("sqrt", r.op("add", variance, 1e-5)))


def attention_of_keys_that_are_not_transposed(r: RecordingBuilder, x: Ref) -> Ref:
    scores = r.op("matmul", x, r.op("permute", x, axes=(0, 1, 2)))
    return r.op("matmul", spellings.softmax(r, scores), x)


def gelu_with_another_constant(r: RecordingBuilder, x: Ref) -> Ref:
    return r.op("mul", r.op("mul", x, 0.5), r.op("add", r.op("erf", r.op("mul", x, 0.6)), 1))


NEAR_MISSES: list[Callable[[RecordingBuilder, Ref], Ref]] = [
    softmax_of_two_axes,
    layer_norm_of_unbiased_variance,
    norm_of_a_reduction_that_broadcasts_along_another_axis,
    batch_norm_with_statistics_of_every_element,
    attention_of_keys_that_are_not_transposed,
    gelu_with_another_constant,
]


@pytest.mark.parametrize("near_miss", NEAR_MISSES, ids=lambda function: function.__name__)
def test_a_near_miss_leaves_the_primitives(near_miss: Callable[[RecordingBuilder, Ref], Ref]) -> None:
    found = types(record(near_miss))
    assert near_miss.__name__.split("_of_")[0].split("_with_")[0] not in found
    assert len(found) > 1


def test_integers_are_left_to_their_primitives() -> None:
    r = RecordingBuilder()
    r.output(r.op("maximum", r.input("input", SHAPE, "int32"), 0))
    probabilities = r.op("cast", spellings.softmax(r, r.input("scores", SHAPE)), dtype="int32")
    r.output(r.op("matmul", probabilities, probabilities))
    assert types(r.build()) == ["maximum", "softmax", "cast", "matmul"]


def test_a_composite_is_at_the_deepest_path_of_its_primitives() -> None:
    r = RecordingBuilder()
    x = r.input("input", SHAPE)
    gate = r.op("sigmoid", x, path="block.act.gate")
    r.output(r.op("mul", x, gate, path="block/act"))
    (node,) = layers(r.build())
    assert node.path == "block.act"
    assert node.aliases[0] == "block.act"


def test_a_norm_with_scale_and_bias_is_not_taken_for_the_norm_inside_it() -> None:
    (node,) = layers(record(spellings.layer_norm))
    assert [weight.role for weight in node.weights] == ["weight", "bias"]
    assert dict(node.attributes) == {"axes": (2,), "epsilon": 1e-5}


def test_the_axis_of_a_batch_norm_is_where_its_statistics_lie() -> None:
    (last,) = layers(record(spellings.batch_norm_keras))
    (middle,) = layers(record(spellings.batch_norm_channels_first))
    assert (last.attributes["axis"], middle.attributes["axis"]) == (2, 1)
    assert {weight.shape for weight in middle.weights} == {(4,)}


def test_the_scale_of_an_attention_is_the_product_of_all_factors() -> None:
    for spelling in (spellings.attention, spellings.attention_scaled_query, spellings.attention_scaled_both):
        (node,) = layers(record(spelling))
        assert node.attributes["scale"] == pytest.approx(0.5)


def test_every_composite_is_a_type_of_the_vocabulary_and_has_spellings_here() -> None:
    of_images = {"adaptive_avg_pool", "avg_pool", "conv", "conv_transpose"}  # test_channels, test_bias
    in_context = {*of_images, "mean"}  # test_sums
    assert {composite.type for composite in COMPOSITES} - in_context == set(SPELLINGS)
    assert set(SPELLINGS) <= set(OPERATORS)


def test_composites_come_after_those_they_are_made_of() -> None:
    order = [composite.type for stage in stages(COMPOSITES) for composite in stage]
    assert sorted(order) == sorted(composite.type for composite in COMPOSITES)
    assert (
        order.index("relu") < order.index("relu6") < order.index("hard_sigmoid") < order.index("hard_swish")
    )
    assert order.index("softmax") < order.index("attention")


def test_composites_in_a_circle_are_refused() -> None:
    one = Composite("silu", (op("gelu", var("input")),))
    other = Composite("gelu", (op("silu", var("input")),))
    with pytest.raises(ValueError, match="circle"):
        stages([one, other])


def test_recognition_is_linear_in_the_length_of_a_model() -> None:
    def attempts(blocks: int) -> int:
        r = RecordingBuilder()
        h = r.input("input", SHAPE)
        for _ in range(blocks):
            h = r.op("add", h, spellings.gelu_tanh_jax(r, spellings.layer_norm(r, h)))
        r.output(h)
        counted = _Counting(r.build())
        return counted.calls

    assert attempts(40) < 2.2 * attempts(20)


class _Counting:
    """Counts the records that patterns look at."""

    def __init__(self, recording: Recording) -> None:
        from clika_core.ir.composites import trace_view

        self.calls = 0
        original = trace_view.TraceView.computed_by

        def counting(view: trace_view.TraceView, slot: trace_view.Slot) -> object:
            self.calls += 1
            return original(view, slot)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(trace_view.TraceView, "computed_by", counting)
            assemble(recording)

"""Models as users of TensorFlow have them: several inputs and outputs, shared parts, dtypes, layouts, folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers, ops

import clika_core as clika
from clika_core.errors import DataError, ModelError, TraceError
from clika_core.ir.graph import Graph
from clika_core.ir.operators import Trait, trait_of
from clika_core.planning.plan import Plan

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((4, 6)).astype(np.float32)
IMAGES = RANDOM.standard_normal((4, 8, 8, 3)).astype(np.float32)
SEQUENCES = RANDOM.standard_normal((4, 9, 5)).astype(np.float32)


def traced(model: Any, inputs: Any, atol: float = 1e-5) -> Graph:
    """The graph of a model that computes the same traced."""
    found = clika.trace(model, inputs)
    for ours, theirs in zip(tf.nest.flatten(found.run(inputs)), tf.nest.flatten(model(inputs)), strict=True):
        np.testing.assert_allclose(ops.cast(ours, "float32"), ops.cast(theirs, "float32"), atol=atol)
    graph: Graph = found.graph
    return graph


def causes(plan: Plan) -> dict[str, list[str]]:
    return {each.name: [str(cause.kind) for cause in each.causes] for each in plan.decisions}


def two_headed() -> Any:
    left, right = keras.Input((6,), name="left"), keras.Input((6,), name="right")
    shared = layers.Dense(5, activation="relu", name="shared")
    inner = keras.Sequential([layers.Dense(4, name="first"), layers.ReLU(name="act")], name="inner")
    near, far = shared(left), shared(right)
    score = layers.Dense(2, name="score")(inner(layers.Concatenate(name="both")([near, far])))
    heads = {"score": score, "aux": layers.Dense(1, name="aux")(near)}
    return keras.Model({"left": left, "right": right}, heads)


def test_inputs_by_name_two_outputs_a_layer_used_twice_and_a_model_in_a_model() -> None:
    graph = traced(two_headed(), {"left": X, "right": X + 1})
    assert [node.name for node in graph.inputs] == ["left", "right"]
    assert [node.aliases for node in graph.outputs] == [("score",), ("aux",)]
    weighted = [(node.path, node.weights[0].identity) for node in graph.layers if node.weights]
    assert [path for path, _ in weighted] == ["shared", "shared", "inner.first", "score", "aux"]
    assert weighted[0][1] == weighted[1][1], "a layer called twice is two layers with one weight"


def test_each_output_has_its_tail_and_a_rule_by_path_takes_both_calls_of_a_layer() -> None:
    graph = traced(two_headed(), {"left": X, "right": X + 1})
    settings = clika.Settings()
    rule = clika.LayerQuantizationSettings(skip_quantization=True)
    settings.set_quantization_settings_for_layer("shared", rule)
    found = causes(clika.plan(graph, settings))
    tails = {graph[name].path for name, kinds in found.items() if "tail" in kinds}
    ruled = [graph[name].path for name, kinds in found.items() if "rule" in kinds]
    assert tails == {"score", "aux"}
    assert ruled == ["shared"] * 4
    settings.global_quantization_settings.skip_tail_quantization = ["aux"]
    alone = causes(clika.plan(graph, settings))
    assert {graph[name].path for name, kinds in alone.items() if "tail" in kinds} == {"aux"}


class Module(tf.Module):  # type: ignore[misc]
    """Two products with variables, under a `tf.function`."""

    def __init__(self) -> None:
        super().__init__()
        self.first = tf.Variable(RANDOM.standard_normal((6, 5)), dtype=tf.float32, name="first")
        self.second = tf.Variable(RANDOM.standard_normal((5, 2)), dtype=tf.float32, name="second")

    @tf.function(input_signature=[tf.TensorSpec([None, 6], tf.float32, name="x")])  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        hidden = tf.nn.relu(tf.matmul(x, self.first))
        return {"logits": tf.matmul(hidden, self.second), "hidden": hidden}


def test_a_module_with_a_function_has_the_names_of_its_variables_and_outputs() -> None:
    graph = traced(Module(), X)
    assert [node.type for node in graph.layers] == ["linear", "relu", "linear"]
    assert [node.weights[0].identity for node in graph.layers if node.weights] == ["first", "second"]
    assert {node.aliases for node in graph.outputs} == {("logits",), ("hidden",)}
    assert causes(clika.plan(graph, clika.Settings()))["linear_2"] == ["tail"]


def saved(tmp_path: Path) -> Path:
    module = Module()
    tf.saved_model.save(module, tmp_path / "model", signatures=module.__call__.get_concrete_function())
    return tmp_path / "model"


def test_a_folder_is_traced_and_quantized_as_what_was_saved(tmp_path: Path) -> None:
    folder = saved(tmp_path)
    found = clika.trace(folder, X)
    assert found.graph.name == "model"
    assert [node.type for node in found.graph.layers] == ["linear", "relu", "linear"]
    assert [node.weights[0].identity for node in found.graph.layers if node.weights] == ["first", "second"]
    assert causes(clika.plan(found.graph, clika.Settings()))["linear_2"] == ["tail"]
    result = clika.compress(str(folder), calibration_data=X, output_dir=None)
    loaded = tf.saved_model.load(folder).signatures["serving_default"](x=X)
    np.testing.assert_allclose(result.model(X)["logits"], loaded["logits"], atol=0.3)


def test_a_folder_without_a_model_and_one_that_is_broken_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no backend takes"):
        clika.trace(str(tmp_path), X)
    (tmp_path / "saved_model.pb").write_bytes(b"no model")
    with pytest.raises(TraceError, match="cannot be loaded"):
        clika.trace(tmp_path, X)


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16", "float64"])
def test_a_policy_of_dtypes_is_in_the_graph_as_casts(policy: str) -> None:
    own = {"dtype": keras.dtype_policies.DTypePolicy(policy)}
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(4, 3, activation="relu", **own),
            layers.BatchNormalization(**own),
            layers.GlobalAveragePooling2D(**own),
            layers.Dense(3, **own),
        ]
    )
    graph = traced(model, IMAGES)
    types = [node.type for node in graph.layers if node.type != "cast"]
    assert types == ["conv", "relu", "batch_norm", "adaptive_avg_pool", "linear"]
    assert graph["conv_1"].outputs[0].dtype == policy.removeprefix("mixed_")


class Additive(keras.Model):  # type: ignore[misc]
    """Bahdanau's attention of a sequence to itself, with a mask."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.attention = layers.Dense(4), layers.AdditiveAttention()

    def call(self, x: Any) -> Any:
        hidden = self.query(x)
        return self.attention([hidden, hidden], mask=[None, x[..., 0] > 0])


def test_additive_attention_with_a_mask_is_what_its_formula_says() -> None:
    graph = traced(Additive(), SEQUENCES)
    types = [node.type for node in graph.layers]
    assert {"linear", "tanh", "sum", "softmax", "matmul"} <= set(types)
    assert not graph.diagnostics


@pytest.mark.parametrize(
    "part", [np.s_[..., 1], np.s_[:, ..., 2:4], np.s_[..., None], np.s_[None, ..., 1, :], np.s_[:, 1, ...]]
)
def test_what_an_ellipsis_selects_is_what_axes_say(part: Any) -> None:
    graph = traced(Sliced(lambda x: x[part] * 2.0), SEQUENCES)
    assert not [node.type for node in graph.layers if node.type.startswith("tf.")]


class Sliced(tf.Module):  # type: ignore[misc]
    """A function of one array."""

    def __init__(self, function: Any) -> None:
        super().__init__()
        self.function = function

    def __call__(self, x: Any) -> Any:
        return self.function(x)


def test_a_free_length_is_that_of_the_example_and_another_is_refused() -> None:
    steps = keras.Input((None, 5))
    pooled = layers.GlobalAveragePooling1D()(layers.Conv1D(4, 3, activation="relu")(steps))
    found = clika.trace(keras.Model(steps, layers.Dense(2)(pooled)), SEQUENCES)
    with pytest.raises(DataError, match="sizes other than the first axis are those of the example"):
        found.run(SEQUENCES[:, :7])


def images(data_format: str) -> Any:
    """One network in either layout, from one seed: the kernels of both have the same shapes."""
    keras.utils.set_random_seed(0)
    kind = {"data_format": data_format}
    is_first = data_format == "channels_first"
    x = keras.Input((3, 8, 8) if is_first else (8, 8, 3))
    y = layers.Conv2D(4, 3, padding="same", activation="relu", **kind)(x)
    y = layers.BatchNormalization(axis=1 if is_first else -1)(y)
    y = layers.MaxPooling2D(2, **kind)(y)
    y = layers.DepthwiseConv2D(3, padding="same", **kind)(y)
    y = layers.SeparableConv2D(6, 3, padding="same", **kind)(y)
    y = layers.Conv2DTranspose(4, 2, strides=2, **kind)(y)
    return keras.Model(x, layers.Dense(3)(layers.GlobalAveragePooling2D(**kind)(y)))


def decided(graph: Graph) -> list[tuple[str, str, list[str]]]:
    """What is decided of every weighted layer, and why."""
    plan = clika.plan(graph, clika.Settings())
    return [
        (each.name, str(each.precision), [str(cause.kind) for cause in each.causes])
        for each in plan.decisions
        if trait_of(graph[each.name]) is Trait.WEIGHTED
    ]


def test_channels_first_has_the_layers_and_decisions_of_channels_last() -> None:
    first, last = images("channels_first"), images("channels_last")
    given = IMAGES.transpose(0, 3, 1, 2)
    np.testing.assert_allclose(first(given), last(IMAGES), atol=1e-5)
    ours, theirs = traced(first, given), traced(last, IMAGES)
    assert decided(ours) == decided(theirs)
    assert not ours.diagnostics
    result = clika.compress(first, calibration_data=given, output_dir=None)
    np.testing.assert_allclose(result.model(given), first(given), atol=0.05)

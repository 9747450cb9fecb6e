"""Models as JAX users write them, traced: what their graphs say, and that they compute the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import equinox as eqx
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import lax

import clika_jax
from clika_core.deployment.onnx_model import float_onnx
from clika_core.deployment.onnx_runtime import Session
from clika_core.errors import ModelError, TraceError
from clika_core.pipeline.sizes import float_weight_bytes
from clika_jax.traced_model import JaxTracedModel
from clika_jax.tracing import trace


def normal(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


def types(traced: JaxTracedModel) -> list[str]:
    return [node.type for node in traced.graph.layers]


def assert_runs_as(traced: JaxTracedModel, expected: Callable[..., Any], *shape: int) -> None:
    """On batches that the trace has not seen, one sample among them."""
    for batch in (1, 3):
        x = normal(batch, *shape)
        np.testing.assert_allclose(traced.run((x,)), expected(x), rtol=2e-5, atol=2e-6)


def test_results_that_count_the_samples_are_counted_in_the_file() -> None:
    def forward(params: Any, x: Any) -> Any:
        return jnp.tanh(x @ params["w"]), jnp.arange(x.shape[0])

    traced = trace(clika_jax.Model(forward, {"w": jnp.eye(4)}), (normal(2, 4),))
    session = Session(float_onnx(traced).model)
    for batch in (1, 5):
        _, counted = session.run([normal(batch, 4)])
        assert counted.tolist() == list(range(batch))
    assert float_weight_bytes(traced) == 64  # what counts is not stored


class Linen(nn.Module):
    @nn.compact
    def __call__(self, x: Any, train: bool = False) -> Any:
        x = nn.Conv(4, (3, 3), name="stem")(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train)(x))
        x = nn.Dropout(0.5, deterministic=not train)(nn.avg_pool(x, (2, 2), (2, 2)))
        return nn.LayerNorm()(nn.Dense(5, name="head")(x.mean(axis=(1, 2))))


def test_a_linen_module_is_traced_with_its_variables() -> None:
    module = Linen()
    model = module.bind(module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3))))
    traced = trace(model, (normal(2, 8, 8, 3),))
    assert types(traced) == [
        *("conv", "batch_norm", "relu", "avg_pool", "adaptive_avg_pool"),
        *("linear", "layer_norm"),
    ]
    paths = [node.path for node in traced.graph.layers if node.weights]
    assert paths == ["stem", "BatchNorm_0", "head", "LayerNorm_0"]
    assert traced.graph["linear_1"].weights[0].identity == "head.kernel"
    assert_runs_as(traced, model, 8, 8, 3)


def test_a_linen_module_s_apply_has_the_module_s_names() -> None:
    module = Linen()
    variables = module.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    graph = trace(clika_jax.Model(module.apply, variables), (normal(2, 8, 8, 3),)).graph
    bound = trace(module.bind(variables), (normal(2, 8, 8, 3),)).graph
    assert (graph.name, [node.name for node in graph.inputs]) == ("Linen", ["x"])
    assert [node.path for node in graph.layers] == [node.path for node in bound.layers]
    assert graph.fingerprint == bound.fingerprint


def test_a_linen_module_without_variables_is_told_how_to_get_them() -> None:
    with pytest.raises(ModelError, match="bind"):
        trace(Linen(), (normal(2, 8, 8, 3),))


def test_paths_of_nnx_modules_are_their_attributes() -> None:
    class Block(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.dense, self.drop = nnx.Linear(6, 6, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return nnx.silu(self.drop(self.dense(x)))

    class Stack(nnx.Module):
        def __init__(self, rngs: nnx.Rngs) -> None:
            self.blocks = nnx.List([Block(rngs) for _ in range(2)])

        def __call__(self, x: Any) -> Any:
            for block in self.blocks:
                x = x + block(x)
            return x

    model = Stack(nnx.Rngs(0))
    traced = trace(model, (normal(2, 6),))
    assert types(traced) == ["linear", "silu", "add"] * 2
    assert [node.path for node in traced.graph.layers if node.type != "add"] == [
        *("blocks.0.dense", "blocks.0", "blocks.1.dense", "blocks.1"),
    ]
    assert not model.blocks[0].drop.deterministic  # the user's own model still trains
    model.eval()
    assert_runs_as(traced, lambda x: model(jnp.asarray(x)), 6)


def test_an_equinox_module_takes_samples_and_is_mapped_over_the_batch() -> None:
    model = eqx.nn.Sequential(
        [
            eqx.nn.Conv2d(3, 4, 3, key=jax.random.key(0)),
            eqx.nn.Lambda(jax.nn.relu),
            eqx.nn.MaxPool2d(2, 2),
            eqx.nn.Lambda(jnp.ravel),
            eqx.nn.Linear(36, 5, key=jax.random.key(1)),
        ]
    )
    traced = trace(model, (normal(2, 3, 8, 8),))
    assert [kind for kind in types(traced) if kind not in ("reshape", "permute")] == [
        *("conv", "relu", "max_pool", "linear"),
    ]
    assert traced.graph["conv_1"].path == "layers.0"
    assert traced.graph["linear_1"].path == "layers.4"
    assert_runs_as(traced, jax.vmap(model), 3, 8, 8)


def test_calls_are_entered_and_scans_are_unrolled() -> None:
    def forward(params: Any, x: Any) -> Any:
        @jax.checkpoint
        def step(x: Any, layer: Any) -> tuple[Any, None]:
            return jax.nn.relu(x @ layer["w"] + layer["b"]), None

        x, _ = lax.scan(step, x, params["layers"])
        return jax.jit(jax.nn.softmax)(x)

    params = {"layers": {"w": normal(3, 6, 6), "b": normal(3, 6)}}
    model = clika_jax.Model(forward, params)
    traced = trace(model, (normal(2, 6),))
    assert types(traced) == ["linear", "relu"] * 3 + ["softmax"]
    assert [len(node.weights) for node in traced.graph.layers[::2]] == [2, 2, 2, 0]
    assert len({node.weights[0].identity for node in traced.graph.layers if node.weights}) == 3
    assert_runs_as(traced, model, 6)


def test_attention_is_one_layer_however_flax_spells_it() -> None:
    def linen() -> Any:
        module = nn.MultiHeadDotProductAttention(2)
        return module.bind(module.init(jax.random.key(0), jnp.zeros((1, 5, 8))))

    for model in (linen(), nnx.MultiHeadAttention(2, 8, decode=False, rngs=nnx.Rngs(0))):
        traced = trace(model, (normal(2, 5, 8),))
        kinds = [kind for kind in types(traced) if kind not in ("permute", "reshape")]
        assert [kind for kind in kinds if kind != "div"] == [
            "linear",
            "linear",
            "linear",
            "attention",
            "linear",
        ]
        assert all(node.weight("bias") for node in traced.graph.layers if node.type == "linear")
        assert_runs_as(traced, lambda x, model=model: model(jnp.asarray(x)), 5, 8)


def test_look_ups_of_rows_are_embeddings() -> None:
    model = clika_jax.Model(lambda table, ids: jax.nn.log_softmax(table[ids], axis=-1), normal(11, 4))
    ids = np.array([[1, 5, -1], [0, 10, 2]], np.int32)
    traced = trace(model, (ids,))
    assert types(traced) == ["embedding", "log_softmax"]
    np.testing.assert_allclose(traced.run((ids,)), model(ids), rtol=1e-6)


def test_a_transposed_convolution_has_its_weight_in_the_vocabularys_layout() -> None:
    def forward(weight: Any, x: Any) -> Any:
        return lax.conv_transpose(x, weight, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    model = clika_jax.Model(forward, normal(3, 3, 4, 6))
    traced = trace(model, (normal(2, 5, 5, 4),))
    (layer,) = traced.graph.layers
    assert (layer.type, layer.weights[0].shape) == ("conv_transpose", (4, 6, 3, 3))
    assert layer.attributes["channel_axis"] == 3
    assert_runs_as(traced, model, 5, 5, 4)


def test_where_a_layer_is_written_is_known() -> None:
    traced = trace(clika_jax.Model(lambda w, x: jnp.tanh(x @ w), normal(6, 6)), (normal(2, 6),))
    place = traced.graph["tanh_1"].source
    assert place is not None
    assert place.file == __file__


def test_a_program_that_depends_on_the_batch_is_traced_for_that_batch_and_says_so() -> None:
    def forward(w: Any, x: Any) -> Any:
        for _ in range(x.shape[0]):
            x = x @ w
        return x

    traced = trace(clika_jax.Model(forward, normal(4, 4)), (normal(3, 4),))
    assert types(traced) == ["linear"] * 3
    assert [finding.code for finding in traced.graph.diagnostics] == ["fixed-batch"]


def test_a_branch_on_values_is_explained_at_the_users_line() -> None:
    def forward(w: Any, x: Any) -> Any:
        return x @ w if x.sum() > 0 else x

    with pytest.raises(TraceError, match="depends on the values") as error:
        trace(clika_jax.Model(forward, normal(4, 4)), (normal(2, 4),))
    assert error.value.location is not None
    assert error.value.location.file == __file__


def test_a_loop_of_unknown_length_is_one_layer_that_no_vocabulary_has() -> None:
    def forward(w: Any, x: Any) -> Any:
        return lax.while_loop(lambda y: y.sum() < 100, lambda y: y + 1, x @ w)

    model = clika_jax.Model(forward, normal(4, 4))
    traced = trace(model, (normal(2, 4),))
    assert types(traced) == ["linear", "lax.while"]
    assert {finding.code for finding in traced.graph.diagnostics} == {"unknown-operator", "fixed-batch"}
    x = normal(2, 4)
    np.testing.assert_allclose(traced.run((x,)), model(x), rtol=1e-5)


def doubled_outside(x: Any) -> Any:
    return jax.pure_callback(lambda a: np.asarray(a) * 2, jax.ShapeDtypeStruct(x.shape, x.dtype), x)


def doubled_where_positive(x: Any) -> Any:
    return lax.cond(x.sum() > 0, lambda a: a * 2, lambda a: a, x)


def doubled_on_a_mesh(x: Any) -> Any:
    mesh = jax.make_mesh((1,), ("devices",))
    spec = jax.sharding.PartitionSpec()
    return jax.shard_map(lambda a: a * 2, mesh=mesh, in_specs=spec, out_specs=spec)(x)


@pytest.mark.parametrize(
    ("function", "layer"),
    [
        (doubled_outside, "lax.pure_callback"),
        (doubled_where_positive, "lax.cond"),
        (doubled_on_a_mesh, "lax.shard_map"),
    ],
)
def test_what_nobody_can_look_into_is_one_layer_that_stays_float_and_says_so(
    function: Callable[[Any], Any], layer: str
) -> None:
    model = clika_jax.Model(lambda w, x: function(x) @ w, normal(4, 4))
    traced = trace(model, (normal(2, 4),))
    assert types(traced)[-2:] == [layer, "linear"]
    (finding,) = (found for found in traced.graph.diagnostics if found.code == "unknown-operator")
    assert layer in finding.message
    x = normal(2, 4)
    np.testing.assert_allclose(traced.run((x,)), model(x), rtol=1e-5)

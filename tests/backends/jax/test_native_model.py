"""The quantized model is a pure function of its parameters: it compiles, differentiates, vectorises, shards."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import clika_jax
from clika_core.numerics import QuantParams
from clika_core.numerics.native_params import NativeParams
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.schemes import PerTensor
from clika_core.schemes.named import INT8
from clika_core.settings.model import Settings
from clika_core.simulation.learning import quantized as with_learned
from clika_core.targets.ort import ORT
from clika_jax.arrays import JaxArrays
from clika_jax.native_model import NativeModel, leaves
from clika_jax.tracing import trace

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return RANDOM.standard_normal(shape).astype(np.float32)


def forward(params: Any, x: Any) -> Any:
    y = jax.nn.relu(x @ params["first"]["w"] + params["first"]["b"])
    return {"logits": y @ params["second"]["w"] + params["second"]["b"]}


def quantize() -> Quantized:
    params = {
        "first": {"w": normal(6, 8), "b": normal(8)},
        "second": {"w": normal(8, 3), "b": normal(3)},
    }
    settings = Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    traced = trace(clika_jax.Model(forward, params), (normal(4, 6),))
    return quantize_traced(traced, settings, ORT, Batches([(normal(16, 6),)]), lambda _: None)


@pytest.fixture(scope="module")
def quantized() -> Quantized:
    return quantize()


@pytest.fixture
def native(quantized: Quantized) -> NativeModel:
    made: NativeModel = quantized.model.native(quantized.program)
    return made


def test_parameters_are_a_tree_with_the_names_of_the_users(native: NativeModel) -> None:
    names = {name: array.shape for name, array in leaves(native.params)}
    assert names == {
        "first.w": (6, 8),
        "first.b": (8,),
        "second.w": (8, 3),
        "second.b": (3,),
        "ranges.weight.linear_1.weight": (8,),
        "ranges.weight.linear_2.weight": (3,),
        "ranges.activation.x.0": (),
        "ranges.activation.relu_1.0": (),
    }


def test_ranges_are_those_of_the_calibration(native: NativeModel, quantized: Quantized) -> None:
    ranges = native.params["ranges"]
    assert ranges["activation.x.0"] == quantized.parameters.activations["x", 0].scale
    np.testing.assert_array_equal(
        ranges["weight.linear_1.weight"], quantized.parameters.weights["linear_1", "weight"].scale
    )


def test_with_ranges_as_parameters_it_computes_what_the_simulation_does(
    native: NativeModel, quantized: Quantized
) -> None:
    x = jnp.asarray(normal(64, 6))
    (expected,) = quantized.simulation.run(quantized.model, [x])
    np.testing.assert_array_equal(native(x)["logits"], expected)
    np.testing.assert_array_equal(jax.jit(native.apply)(native.params, x)["logits"], expected)


def test_another_range_is_another_model(native: NativeModel) -> None:
    x = normal(32, 6)
    ranges = native.params["ranges"]
    wider = {**ranges, "activation.relu_1.0": ranges["activation.relu_1.0"] * 2}
    found = np.asarray(native.apply({**native.params, "ranges": wider}, x)["logits"])
    sums = found / np.asarray(wider["activation.relu_1.0"] * ranges["weight.linear_2.weight"])
    np.testing.assert_allclose(sums, np.rint(sums), atol=1e-2)
    assert not np.array_equal(found, native(x)["logits"])


def test_a_models_own_ranges_keep_their_name() -> None:
    def own(params: Any, x: Any) -> Any:
        return jax.nn.relu(x @ params["ranges"]) @ params["last"]

    params = {"ranges": normal(6, 8), "last": normal(8, 3)}
    traced = trace(clika_jax.Model(own, params), (normal(4, 6),))
    found = quantize_traced(traced, Settings(), ORT, Batches([(normal(16, 6),)]), lambda _: None)
    tree = found.model.native(found.program).params
    assert tree["ranges"].shape == (6, 8)
    assert set(tree["ranges_"]) == {"activation.x.0", "activation.relu_1.0", "weight.linear_1.weight"}


def test_compiled_it_gives_the_same_codes(native: NativeModel) -> None:
    x = normal(32, 6)
    eager = native(x)["logits"]
    compiled = jax.jit(native.apply)(native.params, x)["logits"]
    np.testing.assert_array_equal(eager, compiled)


def test_it_computes_on_the_integer_grid(native: NativeModel, quantized: Quantized) -> None:
    found = np.asarray(native(normal(32, 6))["logits"])
    parameters = quantized.parameters
    sums = found / (
        parameters.activations["relu_1", 0].scale * parameters.weights["linear_2", "weight"].scale
    )
    np.testing.assert_allclose(sums, np.rint(sums), atol=1e-2)
    assert np.abs(sums).max() > 1000


def test_it_is_vectorised_over_an_axis_of_its_own(native: NativeModel) -> None:
    x = normal(5, 4, 6)
    mapped = jax.vmap(native.apply, in_axes=(None, 0))(native.params, x)["logits"]
    np.testing.assert_array_equal(mapped, [native(part)["logits"] for part in x])


def test_it_learns_with_an_optimizer_of_jax(native: NativeModel) -> None:
    x, wanted = normal(64, 6), RANDOM.integers(0, 3, 64)
    optimizer = optax.adam(1e-2)

    def loss(params: Any) -> Any:
        logits = native.apply(params, x)["logits"]
        return optax.softmax_cross_entropy_with_integer_labels(logits, wanted).mean()

    @jax.jit
    def step(params: Any, state: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradients, state)
        return optax.apply_updates(params, updates), state, value

    params, state = native.params, optimizer.init(native.params)
    losses = []
    for _ in range(20):
        params, state, value = step(params, state)
        losses.append(float(value))
    assert losses[-1] < 0.8 * losses[0]
    trained = native.with_params(params)
    assert float(loss(trained.params)) < losses[0]


def test_gradients_reach_every_parameter(native: NativeModel) -> None:
    x = normal(16, 6)
    gradients = gradients_of(native, x)
    assert all((np.abs(array).max() > 0) != name.startswith("ranges.") for name, array in leaves(gradients))


def gradients_of(native: NativeModel, x: Any) -> Any:
    return jax.grad(lambda params: jnp.square(native.apply(params, x)["logits"]).mean())(native.params)


def test_ranges_are_trained_where_that_is_asked_for(native: NativeModel) -> None:
    gradients = gradients_of(native.with_trained_ranges(), normal(16, 6))
    assert all(np.abs(array).max() > 0 for _, array in leaves(gradients))


def test_the_gradient_of_a_range_is_that_of_lsq() -> None:
    """Esser et al. 2020, equation 3: code - x / scale inside the clip, the bound outside."""
    arrays, values = JaxArrays(), jnp.asarray(normal(200) * 3)
    params = QuantParams(np.asarray(0.02, np.float32), np.asarray(3, np.int32), INT8, PerTensor())
    upstream = jnp.asarray(normal(200))

    def loss(scale: Any) -> Any:
        own = cast(
            QuantParams,
            NativeParams(jax.lax.stop_gradient(scale), params.zero_point, INT8, PerTensor(), scale, 0.25),
        )
        return (arrays.dequantize(with_learned(values, own, arrays), own) * upstream).sum()

    ratio = np.asarray(values, np.float64) / 0.02
    codes = np.clip(np.rint(ratio), -131, 124)
    slope = np.where(codes == np.rint(ratio), codes - ratio, codes)
    expected = 0.25 * (slope * np.asarray(upstream)).sum()
    np.testing.assert_allclose(jax.jit(jax.grad(loss))(jnp.float32(0.02)), expected, rtol=1e-5)


SHARDED = """
import jax, numpy as np
from jax.sharding import NamedSharding, PartitionSpec as P
from tests.backends.jax.test_native_model import quantize, normal
found = quantize()
native = found.model.native(found.program)
mesh = jax.make_mesh((2,), ("devices",))
place = lambda array, *axes: jax.device_put(array, NamedSharding(mesh, P(*axes)))
x, params = normal(8, 6), native.params
replicated = jax.tree.map(place, params)
split = {**replicated, "first": {"w": place(params["first"]["w"], None, "devices"),
                                 "b": place(params["first"]["b"], "devices")}}
ranges = {**replicated["ranges"]}
ranges["weight.linear_1.weight"] = place(ranges["weight.linear_1.weight"], "devices")
split["ranges"] = ranges
expected = native(x)["logits"]
loss = lambda p, x: (native.with_trained_ranges().apply(p, x)["logits"] ** 2).mean()
slopes = jax.jit(jax.grad(loss))(params, x)
for given, data in ((replicated, place(x, "devices")), (split, place(x))):
    found = jax.jit(native.apply)(given, data)["logits"]
    assert len(found.sharding.device_set) == 2
    np.testing.assert_array_equal(found, expected)
    for own, alone in zip(jax.tree.leaves(jax.jit(jax.grad(loss))(given, data)), jax.tree.leaves(slopes)):
        np.testing.assert_allclose(own, alone, rtol=1e-3, atol=1e-5)
"""


def test_on_two_devices_data_and_parameters_can_be_sharded() -> None:
    environment = {
        **os.environ,
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "JAX_PLATFORMS": "cpu",
    }
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(Path(__file__).parents[3]), environment.get("PYTHONPATH", "")]
    )
    done = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr

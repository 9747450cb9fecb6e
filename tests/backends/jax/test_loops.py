"""Unrolled iterations that are one program run as a loop, and compute what they did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

import clika_jax
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import quantize_traced
from clika_core.settings.model import LayerQuantizationSettings, Settings
from clika_core.targets.ort import ORT
from clika_jax.loops.iterations import Iterations, marked, next_run
from clika_jax.loops.running import rolled
from clika_jax.native_model import NativeModel
from clika_jax.tracing import trace

RANDOM = np.random.default_rng(0)


def normal(*shape: int) -> Any:
    return jnp.asarray(RANDOM.standard_normal(shape), jnp.float32)


def loops(function: Callable[..., Any], *arguments: Any) -> list[int]:
    """The lengths of the scans in what JAX makes of a function, those inside of others included."""
    found: list[int] = []

    def look(jaxpr: Any) -> None:
        for equation in jaxpr.eqns:
            if equation.primitive.name == "scan":
                found.append(equation.params["length"])
            for held in equation.params.values():
                if hasattr(held, "jaxpr"):
                    look(held.jaxpr)

    look(jax.make_jaxpr(lambda *held: function(*held))(*arguments).jaxpr)
    return found


def unrolled(body: Callable[[Any, int], Any], length: int) -> Callable[[Any], Any]:
    """A function that applies a body again and again, each time marked as an iteration."""

    def function(state: Any) -> Any:
        run = next_run()
        for index in range(length):
            with marked(run, ((0, index),)):
                state = body(state, index)
        return state

    return function


def assert_rolled(function: Callable[..., Any], argument: Any, lengths: list[int]) -> None:
    def own(x: Any) -> Any:
        return rolled(function, x)

    assert loops(own, argument) == lengths
    results = jax.jit(own)(argument), jax.jit(function)(argument)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-6, atol=1e-6), *results)
    slopes = [
        jax.grad(lambda x, f=f: sum(jnp.sin(leaf).sum() for leaf in jax.tree.leaves(f(x))), allow_int=True)
        for f in (own, function)
    ]
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6),
        *(slope(argument) for slope in slopes),
    )


def test_numbers_and_arrays_of_each_iteration_are_scanned_over() -> None:
    weights = [normal(4, 4) / 2 for _ in range(5)]
    assert_rolled(unrolled(lambda x, i: jnp.sin(x @ weights[i]) * (0.5 + 0.1 * i), 5), normal(3, 4), [5])


def test_a_run_ends_where_the_program_is_another_one() -> None:
    def body(x: Any, index: int) -> Any:
        return jnp.cos(x * 0.3) if index == 2 else jnp.sin(x * (index + 0.5))

    assert_rolled(unrolled(body, 7), normal(4), [2, 4])


def test_a_run_ends_where_something_older_is_read_than_the_iteration_before() -> None:
    """A loop hands on what the one before made, and nothing older: two iterations are a run, three are none."""

    def body(state: Any, index: int) -> Any:
        older, newer = state
        return newer, jnp.sin(older) + newer * index

    function = unrolled(body, 5)
    assert_rolled(lambda x: function((x, x + 1)), normal(3), [2, 2])


def test_results_of_each_iteration_come_out() -> None:
    def function(x: Any) -> Any:
        run, seen = next_run(), []
        for index in range(4):
            with marked(run, ((0, index),)):
                x = jnp.sin(x) + index
            seen.append(x * 2)
        return seen, x

    assert_rolled(function, normal(3), [4])


def test_loops_in_loops_are_loops_in_loops() -> None:
    def function(x: Any) -> Any:
        run = next_run()
        for outer in range(3):
            for inner in range(4):
                mark: Iterations = ((0, outer), (1, inner))
                with marked(run, mark):
                    x = jnp.sin(x * (outer + 1) + inner)
            with marked(run, ((0, outer),)):
                x = x * 0.5
        return x

    assert_rolled(function, normal(3), [3, 4])


def test_two_runs_of_one_program_are_two_loops() -> None:
    function = unrolled(lambda x, i: jnp.sin(x) + i, 3)
    assert_rolled(lambda x: function(x) - 2 * function(x + 1), normal(3), [3, 3])


def test_sums_in_64_bits_stay_in_64_bits() -> None:
    def body(x: Any, index: int) -> Any:
        with jax.enable_x64(True):
            wide = lax.convert_element_type(x, np.float64)
            more = wide * np.float64(1 + (index + 1) * 2.0**-30) - wide  # nothing, in 32 bits
            return lax.convert_element_type(more * 2.0**30, np.float32)

    function = unrolled(body, 4)
    assert loops(lambda x: rolled(function, x), jnp.ones(3)) == [4]
    found = jax.jit(lambda x: rolled(function, x))(jnp.ones(3))
    np.testing.assert_array_equal(found, np.full(3, 24, np.float32))


def test_side_effects_stay_where_they_are() -> None:
    def body(x: Any, _: int) -> Any:
        jax.debug.callback(lambda _: None, x)
        return jnp.sin(x)

    assert loops(lambda x: rolled(unrolled(body, 3), x), normal(2)) == []


def test_called_eagerly_nothing_is_traced() -> None:
    seen: list[Any] = []
    rolled(seen.append, jnp.ones(2))
    assert not isinstance(seen[0], jax.core.Tracer)


def blocks(length: int, *, is_reversed: bool = False) -> clika_jax.Model:
    """Equal blocks with a residual stream, scanned over; the means of their values come out too."""

    def block(x: Any, own: Any) -> tuple[Any, Any]:
        y = jax.nn.relu(x @ own["grow"] + own["bias"]) @ own["shrink"]
        return x + y, y.mean(axis=-1)

    def forward(params: Any, x: Any) -> Any:
        x, means = lax.scan(block, x @ params["first"], params["blocks"], reverse=is_reversed)
        return {"logits": x @ params["last"], "means": means.swapaxes(0, 1)}

    own = {"grow": normal(length, 8, 16) / 3, "bias": normal(length, 16), "shrink": normal(length, 16, 8) / 4}
    return clika_jax.Model(forward, {"first": normal(6, 8), "blocks": own, "last": normal(8, 3)})


@pytest.fixture(scope="module")
def native() -> NativeModel:
    """Three equal blocks; it never changes."""
    return quantized(blocks(3))


def quantized(model: clika_jax.Model, settings: Settings | None = None) -> NativeModel:
    traced = trace(model, (normal(4, 6),))
    settings = settings or Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    found = quantize_traced(traced, settings, ORT, Batches([(normal(16, 6),)]), lambda _: None)
    native: NativeModel = found.model.native(found.program)
    return native


def test_a_quantized_model_keeps_the_scan_of_its_blocks(native: NativeModel) -> None:
    x = normal(5, 6)
    assert loops(native.apply, native.params, x) == [3]
    jax.tree.map(np.testing.assert_array_equal, jax.jit(native.apply)(native.params, x), native(x))


def test_nothing_of_a_trace_is_left_behind(native: NativeModel) -> None:
    before = jax.tree.map(np.array, native.params)
    with jax.checking_leaks():
        jax.make_jaxpr(lambda *held: native.apply(*held))(native.params, normal(2, 6))
    jax.tree.map(np.testing.assert_array_equal, native.params, before)


def test_a_scan_from_the_last_to_the_first_is_kept_too() -> None:
    native, x = quantized(blocks(3, is_reversed=True)), normal(5, 6)
    assert loops(native.apply, native.params, x) == [3]
    jax.tree.map(np.testing.assert_array_equal, jax.jit(native.apply)(native.params, x), native(x))


@pytest.mark.nightly
def test_it_is_differentiated_and_vectorised_as_the_unrolled_one(
    native: NativeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = normal(2, 5, 6)

    def loss(params: Any, x: Any) -> Any:
        return sum(
            jnp.square(leaf).mean() for leaf in jax.tree.leaves(native.with_trained_ranges().apply(params, x))
        )

    mapped = jax.jit(jax.vmap(native.apply, in_axes=(None, 0)))(native.params, x)
    for place, part in enumerate(x):
        jax.tree.map(lambda a, b, i=place: np.testing.assert_array_equal(a[i], b), mapped, native(part))
    slopes = jax.jit(jax.grad(loss))(native.params, x[0])
    monkeypatch.setattr("clika_jax.native_model.rolled", lambda function, *held: function(*held))
    assert loops(lambda *held: native.apply(*held), native.params, x[0]) == []
    expected = jax.jit(jax.grad(lambda *held: loss(*held)))(native.params, x[0])
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), slopes, expected)


def test_blocks_with_other_decisions_stand_apart() -> None:
    settings = Settings()
    rule = LayerQuantizationSettings(skip_quantization=True)
    settings.set_quantization_settings_for_layer("linear_6", rule)
    native, x = quantized(blocks(6), settings), normal(5, 6)
    assert loops(native.apply, native.params, x) == [2, 3]

"""Values are balanced alike in every framework, and each of its deployed files computes what is simulated."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clika_core.backend.interface import Removals, TracedModel
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.improving import improved
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.plugins.registry import find_target
from clika_core.quality.gains import divided
from clika_core.quality.reference import Reference
from clika_core.quality.work import Work
from clika_core.settings.model import Settings
from tests.backends.differential.comparing import copy_weights
from tests.backends.differential.frameworks import OTHERS, REFERENCE, Framework, inputs

NORMS = {"pre_norm_encoder": "layer_norm_2", "post_norm_encoder": "layer_norm_1"}
"""The norm that the first layer after attention reads: alone, or beside a residual sum."""
OUTLIER, LARGE = 40.0, 3

FRAMEWORKS = {framework.name: framework for framework in (REFERENCE, *OTHERS)}


@functools.cache
def outlying(framework: Framework, name: str) -> TracedModel:
    """An encoder with the reference's weights, one channel of a norm being far larger than the others.

    What reads it has smaller weights in return: the channel counts no more than the others.
    """
    traced = framework.trace(name, inputs(name, 2))
    if framework is not REFERENCE:
        copy_weights(outlying(REFERENCE, name), traced)
    else:
        norm, reader = traced.parameters(NORMS[name]), traced.parameters("linear_5")
        large = np.ones(16, np.float32)
        large[LARGE] = OUTLIER
        for role in ("weight", "bias"):
            norm[role] = norm[role] * large
        reader["weight"] = reader["weight"] / large
    return traced


def settings() -> Settings:
    """With balancing, and no other technique."""
    settings = Settings()
    given = settings.global_quantization_settings
    given.skip_tail_quantization = given.bias_correction = given.cross_layer_equalization = False
    return settings


def calibration(name: str) -> Batches:
    return Batches([inputs(name, 16, seed) for seed in (1, 2)])


@functools.cache
def quantized(framework: Framework, name: str, target: str) -> Quantized:
    """Before anything is balanced."""
    traced = outlying(framework, name)
    return quantize_traced(traced, settings(), find_target(target), calibration(name), lambda _: None)


@functools.cache
def balanced(framework: Framework, name: str) -> tuple[Quantized, Quantized]:
    """Without and with balancing."""
    found = quantized(framework, name, "ort")
    return found, improved(found, settings(), calibration(name))


def distance(found: Quantized, name: str) -> float:
    data = [inputs(name, 16, seed=9)]
    return deployment.relative_distance(
        deployment.run_simulation(found, data), deployment.run_float(found.floating, data)
    )


def values(found: Quantized) -> dict[str, Any]:
    return dict(found.improvements["activation_balancing"].details["values"])


@pytest.fixture(params=[framework.name for framework in OTHERS])
def framework(request: pytest.FixtureRequest) -> Framework:
    return installed(FRAMEWORKS[request.param])


def installed(framework: Framework) -> Framework:
    for needed in (REFERENCE, framework):
        if not needed.is_installed:
            pytest.skip(f"{needed.name} is not installed")
    return framework


@pytest.mark.parametrize(
    "name", [pytest.param("pre_norm_encoder", marks=pytest.mark.nightly), "post_norm_encoder"]
)
def test_every_framework_balances_the_same_values_with_the_same_gains(
    name: str, framework: Framework
) -> None:
    _, reference = balanced(REFERENCE, name)
    before, after = balanced(framework, name)
    said = values(after)[f"{NORMS[name]}.0"]
    assert (said["norm"] is not None) == (name == "pre_norm_encoder")
    assert values(after).keys() == values(reference).keys()
    for key, theirs in values(reference).items():
        ours = values(after)[key]
        assert (ours["alpha"], ours["norm"]) == (theirs["alpha"], theirs["norm"]), key
        for part in ("smallest_gain", "largest_gain", "error"):
            assert ours[part] == pytest.approx(theirs[part], rel=1e-2), (key, part)
    assert distance(after, name) < 0.9 * distance(before, name)


@pytest.mark.parametrize(
    ("backend", "target"), [("torch", "ort"), ("tensorflow", "tflite"), ("jax", "stablehlo")]
)
def test_files_of_every_kind_compute_the_codes_that_are_simulated(backend: str, target: str) -> None:
    """With gains that no norm can take, whatever they are."""
    found = quantized(installed(FRAMEWORKS[backend]), "pre_norm_encoder", target)
    better = with_gains(found, "gelu_1", "linear_6", np.linspace(0.3, 1, 32, dtype=np.float32))
    data = [inputs("pre_norm_encoder", 16, seed=9)]
    agreement = deployment.agreement(better, deployment.deploy(better), data)
    assert "gelu_1" in agreement
    for layer, codes in agreement.items():
        assert codes.share_equal >= 0.998, layer  # float norms and GELUs differ in their last bit
        assert codes.largest_difference <= 1, layer
    floats = deployment.run_float(found.model, data)
    assert deployment.relative_distance(deployment.run_simulation(better, data), floats) < 0.1


def with_gains(found: Quantized, value: str, reader: str, gains: NDArray[np.float32]) -> Quantized:
    """The model with these gains of at most 1 in front of a linear layer, which fit the value's range."""
    work = Work(
        found.model.preprocess(Removals({})),
        Reference(found.model, (), ()),
        found.plan,
        found.target,
        replace(found.parameters, gains={(value, 0): tuple(gains.tolist())}),
        found.simulation,
    )
    made = work.with_weights({(reader, "weight"): divided(work.model.parameters(reader)["weight"], gains)})
    return replace(found, model=made.model, parameters=made.parameters, simulation=made.simulation)


def test_a_compiled_program_computes_what_the_simulation_does(framework: Framework) -> None:
    """Gains and scale are one after the other, in a compiler too: neither is folded into the other."""
    _, found = balanced(framework, "post_norm_encoder")
    assert found.simulation.gains
    data = inputs("post_norm_encoder", 16, seed=9)
    (wanted,) = deployment.run_simulation(found, [data])[0]
    ours = COMPILED[framework.name](found.model.native(found.program), data)
    assert np.mean(np.abs(ours - wanted) > 1e-4 * np.abs(wanted).max()) <= 0.01


def _xla_of_tensorflow(native: Any, data: tuple[np.ndarray, ...]) -> np.ndarray:
    import tensorflow as tf

    return np.asarray(tf.function(native, jit_compile=True)(*map(tf.constant, data)))


def _xla_of_jax(native: Any, data: tuple[np.ndarray, ...]) -> np.ndarray:
    import jax

    return np.asarray(jax.jit(native)(*data))


COMPILED = {"tensorflow": _xla_of_tensorflow, "jax": _xla_of_jax}
"""What a native model gives for one batch, compiled."""

"""`.stablehlo` files hold the plan's codes, and XLA computes in them what the simulation says."""

from __future__ import annotations

import functools
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import jax
import numpy as np
import pytest
from jax import export

import clika_core as clika
from clika_core.errors import ModelError, TargetError
from clika_core.pipeline import deployment
from clika_core.pipeline.data import Batches
from clika_core.pipeline.quantization import Quantized, quantize_traced
from clika_core.targets.stablehlo import STABLEHLO
from clika_core.targets.tflite import TFLITE
from clika_jax.backend import JaxBackend
from tests.backends.differential.frameworks import channels_last, inputs
from tests.backends.differential.jax_models import MODELS, build

ALONE = """
import sys
import numpy as np
from jax import export
with open(sys.argv[1], "rb") as file:
    run = export.deserialize(bytearray(file.read()))
found = run.call(np.load(sys.argv[2]))
assert "clika_core" not in sys.modules and "clika_jax" not in sys.modules
np.save(sys.argv[3], np.asarray(found[0]))
"""


def batches(name: str) -> list[tuple[Any, ...]]:
    return [tuple(map(channels_last, inputs(name, 8, seed))) for seed in (1, 2)]


@functools.cache
def quantized(name: str, *, tail: bool = False) -> tuple[Any, Quantized]:
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = tail
    data = batches(name)
    traced = clika.trace(build(name), data[0], name=name)
    return traced, quantize_traced(traced, settings, STABLEHLO, Batches(data), lambda _: None)


@pytest.mark.parametrize("name", MODELS)
def test_xla_computes_the_codes_of_the_simulation(name: str) -> None:
    traced, found = quantized(name)
    deployed, data = deployment.deploy(found), batches(name)
    agreement = deployment.agreement(found, deployed, data)
    assert {layer for layer, _ in (*found.simulation.coded, *found.simulation.quantize_at)} == set(agreement)
    for layer, codes in agreement.items():
        assert codes.share_equal >= 0.9999, layer
        assert codes.largest_difference <= 1, layer
    reference = deployment.run_float(traced, data)
    simulated = deployment.run_simulation(found, data)
    ran = deployment.run_deployed(deployed.quantized, data)
    assert deployment.relative_distance(deployment.run_deployed(deployed.floating, data), reference) < 1e-5
    assert deployment.relative_distance(ran, reference) < 0.05
    assert deployment.relative_distance(ran, simulated) < 1e-3


@pytest.mark.parametrize("name", ["residual_cnn", "mobile_blocks", "u_net", "detector", "super_resolution"])
def test_where_no_layer_is_float_outputs_equal_those_of_the_simulation(name: str) -> None:
    _, found = quantized(name)
    data = batches(name)
    ran = deployment.run_deployed(deployment.deploy(found).quantized, data)
    for theirs, ours in zip(ran, deployment.run_simulation(found, data), strict=True):
        for given, expected in zip(theirs, ours, strict=True):
            np.testing.assert_array_equal(given, expected)


def test_a_file_holds_weights_as_int8_and_is_described_beside(tmp_path: Path) -> None:
    _, found = quantized("vgg", tail=True)
    path = deployment.deploy(found).save(tmp_path)
    assert path.name == "vgg.stablehlo"
    program = export.deserialize(bytearray(path.read_bytes())).mlir_module()
    weights = {
        layer: found.model.parameters(layer)["weight"]
        for layer in ("conv_1", "conv_2", "linear_1", "linear_2")
    }
    for layer, array in weights.items():
        form, other = ("f32", "i8") if layer == "linear_2" else ("i8", "f32")
        assert f"tensor<{'x'.join(map(str, array.shape))}x{form}>" in program, "the tail stays float"
        assert (
            f"stablehlo.constant dense<{{}}> : tensor<{'x'.join(map(str, array.shape))}x{other}>"
            not in program
        )
    said = json.loads((tmp_path / "vgg.stablehlo.json").read_text())
    assert said["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert said["fingerprint"] == found.plan.graph.fingerprint
    assert said["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["d0", 8, 8, 3]}]
    assert said["precision"]["linear_2"] == "float"


def test_the_size_is_that_of_int8_weights() -> None:
    from flax import nnx

    model = nnx.Sequential(*(nnx.Linear(256, 256, rngs=nnx.Rngs(seed)) for seed in range(3)))
    data = [(np.random.default_rng(0).standard_normal((8, 256)).astype(np.float32),)]
    settings = clika.Settings()
    settings.global_quantization_settings.skip_tail_quantization = False
    found = quantize_traced(clika.trace(model, data[0]), settings, STABLEHLO, Batches(data), lambda _: None)
    deployed = deployment.deploy(found)
    assert 3 * 256 * 256 < deployed.quantized.num_bytes < 1.2 * 3 * 256 * 256
    assert deployed.floating.num_bytes > 4 * 3 * 256 * 256


def test_a_file_runs_at_any_batch_size_and_without_this_project(tmp_path: Path) -> None:
    _, found = quantized("residual_cnn")
    deployed = deployment.deploy(found)
    path = deployed.save(tmp_path)
    run = deployed.quantized.runner()
    for count in (1, 3):
        (image,) = map(channels_last, inputs("residual_cnn", count))
        np.save(tmp_path / "x.npy", image)
        arguments = [str(path), str(tmp_path / "x.npy"), str(tmp_path / "y.npy")]
        subprocess.run([sys.executable, "-c", ALONE, *arguments], check=True, timeout=120)
        np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), run([image])[0])


def test_a_model_for_one_batch_is_a_file_for_that_batch(tmp_path: Path) -> None:
    import clika_jax

    def fixed(params: Any, x: Any) -> Any:
        weight = params["w"] if x.shape[0] == 4 else -params["w"]
        return jax.nn.relu(x @ weight) @ params["v"]

    random = np.random.default_rng(0)
    params = {
        "w": random.standard_normal((6, 8), np.float32),
        "v": random.standard_normal((8, 3), np.float32),
    }
    data = [(random.standard_normal((4, 6), np.float32),)]
    traced = clika.trace(clika_jax.Model(fixed, params), data[0])
    found = quantize_traced(traced, clika.Settings(), STABLEHLO, Batches(data), lambda _: None)
    path = deployment.deploy(found).save(tmp_path)
    said = json.loads(path.with_name(path.name + ".json").read_text())
    assert said["inputs"][0]["shape"] in ([4, 6], ["d0", 6])


def test_compress_deploys_to_it(tmp_path: Path) -> None:
    data = batches("vgg")[0][0]
    result = clika.compress(
        build("vgg"), calibration_data=data, target="stablehlo", output_dir=tmp_path / "outputs"
    )
    assert result.deployed_path is not None
    assert result.deployed_path.suffix == ".stablehlo"
    assert result.deployed_path.with_name("Vgg.stablehlo.json").is_file()
    assert result.report["agreement"]["runtime_optimization_level"].startswith("XLA")


def test_it_writes_no_other_files_and_no_other_frameworks_models() -> None:
    with pytest.raises(TargetError, match="tflite"):
        JaxBackend().file_format(TFLITE)
    _, found = quantized("detector")
    with pytest.raises(ModelError, match="models of JAX"):
        JaxBackend().file_format(STABLEHLO).floating(cast(Any, _Stranger(found.model.graph)))


class _Stranger:
    def __init__(self, graph: Any) -> None:
        self.graph = graph

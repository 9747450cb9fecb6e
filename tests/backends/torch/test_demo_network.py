"""The PyTorch network is the documented one, reaches the logged accuracy, and its training is repeatable."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from clika_core.demo.architecture import NORM_EPSILON
from clika_core.demo.data import BACKGROUND, DemoData, Split, load_images
from clika_core.demo.weights import TRAINING_LOG_FILE, WEIGHTS_FILE, Weights, load_weights, shipped_file
from clika_core.errors import DataError
from clika_torch.demo_network import DemoNetwork, demo_network, export_weights, import_weights
from clika_torch.demo_training import Recipe, evaluate, train, warp

Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def network() -> DemoNetwork:
    return demo_network()


@pytest.fixture(scope="module")
def images() -> DemoData:
    return load_images()


@pytest.fixture(scope="module")
def few(images: DemoData) -> DemoData:
    """Forty images in each part: enough to train for a moment."""

    def cut(part: Split) -> Split:
        return Split(part.images[:40], part.labels[:40], part.indices[:40])

    return DemoData(cut(images.train), cut(images.calibration), cut(images.validation), cut(images.test))


class NumpyNetwork:
    """The table and the file layout that `clika_core.demo` documents, taken at their word."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights

    def convolution(self, x: Array, path: str, stride: int = 1, limit: float = np.inf) -> Array:
        """Convolution and batch norm, then clipping from 0 to `limit`; NaN: no clipping."""
        weight = self.weights[f"{path}.weight"]
        pad = weight.shape[-1] // 2
        padded = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
        patches = sliding_window_view(padded, weight.shape[2:], axis=(2, 3))[:, :, ::stride, ::stride]
        is_depthwise = weight.shape[1] == 1 and x.shape[1] > 1
        formula = "nchwij,coij->nchw" if is_depthwise else "nchwij,ocij->nohw"
        y: Array = np.einsum(formula, patches, weight, optimize=True)
        gamma, beta, mean, variance = (
            self.weights[f"{path}.{what}"][:, None, None] for what in ("gamma", "beta", "mean", "variance")
        )
        y = gamma * (y - mean) / np.sqrt(variance + np.float32(NORM_EPSILON)) + beta
        return y if np.isnan(limit) else np.clip(y, 0, limit)

    def residual(self, x: Array, path: str, stride: int = 1) -> Array:
        inner = self.convolution(x, f"{path}.first", stride)
        shortcut = x if stride == 1 else self.convolution(x, f"{path}.shortcut", stride, np.nan)
        y: Array = np.maximum(shortcut + self.convolution(inner, f"{path}.second", limit=np.nan), 0)
        return y

    def inverted(self, x: Array, path: str) -> Array:
        hidden = self.convolution(self.convolution(x, f"{path}.expand", 1, 6), f"{path}.depthwise", 1, 6)
        return x + self.convolution(hidden, f"{path}.project", limit=np.nan)

    def __call__(self, x: Array) -> Array:
        x = self.convolution(x, "stem")
        x = x.reshape(len(x), 32, 14, 2, 14, 2).max(axis=(3, 5))
        x = self.inverted(self.residual(self.convolution(x, "widen"), "residual_1"), "inverted_1")
        x = self.inverted(self.residual(self.residual(x, "down", 2), "residual_2"), "inverted_2")
        logits: Array = x.mean(axis=(2, 3)) @ self.weights["head.weight"].T + self.weights["head.bias"]
        return logits


def test_a_numpy_network_built_from_the_documented_table_gives_the_same_logits(
    network: DemoNetwork, images: DemoData
) -> None:
    batch = images.test.images[:20]
    with torch.inference_mode():
        logits = network(torch.from_numpy(batch)).numpy()
    np.testing.assert_allclose(NumpyNetwork(load_weights())(batch), logits, rtol=0, atol=1e-4)


def test_the_shipped_weights_reach_the_logged_accuracy_on_the_test_images(
    network: DemoNetwork, images: DemoData
) -> None:
    log = json.loads(shipped_file(TRAINING_LOG_FILE).read_text(encoding="utf-8"))
    accuracy = evaluate(network, images.test)[1]
    assert accuracy == pytest.approx(log["test_accuracy"], abs=0.001)
    assert accuracy >= 0.985


@pytest.mark.parametrize("batch", [1, 3])
def test_images_become_ten_logits_each(network: DemoNetwork, batch: int) -> None:
    assert network(torch.zeros(batch, 1, 28, 28)).shape == (batch, 10)


def test_the_network_comes_in_evaluation_mode_and_large_enough() -> None:
    fresh = demo_network(weights=False)
    assert not any(module.training for module in fresh.modules())
    assert sum(parameter.numel() for parameter in fresh.parameters()) >= 300_000


def test_it_exports_with_a_dynamic_batch_and_every_promised_operator(network: DemoNetwork) -> None:
    batch = torch.randn(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    program = torch.export.export(
        network, (batch,), dynamic_shapes=({0: torch.export.Dim.AUTO},), strict=False
    )
    operators = Counter(str(node.target) for node in program.graph.nodes if node.op == "call_function")
    assert operators == {
        "aten.conv2d.default": 15,
        "aten.batch_norm.default": 15,
        "aten.relu.default": 8,
        "aten.hardtanh.default": 4,
        "aten.add.Tensor": 5,
        "aten.max_pool2d.default": 1,
        "aten.adaptive_avg_pool2d.default": 1,
        "aten.flatten.using_ints": 1,
        "aten.linear.default": 1,
    }
    for count in (1, 7):
        again = batch[:1].repeat(count, 1, 1, 1)
        torch.testing.assert_close(program.module()(again), network(again))


def test_exported_weights_imported_elsewhere_give_the_same_network(network: DemoNetwork) -> None:
    other = demo_network(weights=False)
    import_weights(other, export_weights(network))
    for name, tensor in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor), name


def test_exported_weights_do_not_share_memory_with_the_network() -> None:
    fresh = demo_network(weights=False)
    export_weights(fresh)["head.bias"][:] = 7
    assert not (fresh.head.bias == 7).any()


@pytest.mark.parametrize("name", ["head.bias", "stem.gamma"])
def test_weights_of_another_network_are_refused_and_leave_this_one_untouched(
    network: DemoNetwork, name: str
) -> None:
    fresh = demo_network(weights=False)
    before = export_weights(fresh)
    weights = export_weights(network)
    missing = {other: array for other, array in weights.items() if other != name}
    misshapen = {**weights, name: weights[name][:-1]}
    extra = {**weights, "stem.bias": weights["stem.beta"]}
    for wrong in (missing, misshapen, extra):
        with pytest.raises(DataError, match="not the weights of the demo network"):
            import_weights(fresh, wrong)
    assert all(np.array_equal(array, before[other]) for other, array in export_weights(fresh).items())


def test_training_twice_gives_the_same_bytes_and_another_seed_others(few: DemoData, tmp_path: Path) -> None:
    recipe = Recipe(epochs=2, batch_size=16)
    lines: list[str] = []
    log = train(tmp_path / "one", recipe=recipe, data=few, progress=lines.append)
    train(tmp_path / "two", recipe=recipe, data=few, progress=lines.append)
    train(tmp_path / "three", recipe=replace(recipe, seed=1), data=few, progress=lines.append)

    def written(run: str) -> list[bytes]:
        return [(tmp_path / run / file).read_bytes() for file in (WEIGHTS_FILE, TRAINING_LOG_FILE)]

    assert written("one") == written("two")
    assert written("one")[0] != written("three")[0]
    assert len(lines) == 3 * (recipe.epochs + 1)
    assert json.loads(written("one")[1])["test_accuracy"] == log.test_accuracy
    assert evaluate(demo_network(tmp_path / "one" / WEIGHTS_FILE), few.test)[1] == log.test_accuracy


def test_training_leaves_threads_and_random_numbers_as_they_were(few: DemoData, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    train(tmp_path, recipe=Recipe(epochs=1), data=few, progress=lambda _: None)
    assert torch.equal(torch.rand(3), expected)
    assert torch.get_num_threads() == threads


def test_training_on_a_few_images_learns_them(few: DemoData, tmp_path: Path) -> None:
    log = train(tmp_path, recipe=Recipe(epochs=8, batch_size=8), data=few, progress=lambda _: None)
    assert log.epochs[-1].training_loss < 0.7 * log.epochs[0].training_loss


STILL = Recipe(rotation_degrees=0, scaling=0, shear=0, translation_pixels=0)


def test_a_map_without_movement_changes_nothing(images: DemoData) -> None:
    batch = torch.from_numpy(images.train.images[:8])
    torch.testing.assert_close(warp(batch, STILL, torch.Generator()), batch, rtol=0, atol=1e-4)


def test_what_moves_into_an_image_is_background() -> None:
    white = torch.full((50, 1, 28, 28), 2.0)
    moved = warp(white, replace(STILL, translation_pixels=14.0), torch.Generator().manual_seed(0))
    assert moved.min() == pytest.approx(BACKGROUND, abs=1e-6)
    assert moved.max() == pytest.approx(2.0, abs=1e-6)


def test_equal_images_are_warped_differently(images: DemoData) -> None:
    same = torch.from_numpy(images.train.images[:1]).repeat(6, 1, 1, 1)
    warped = warp(same, Recipe(), torch.Generator().manual_seed(0))
    assert len({picture.numpy().tobytes() for picture in warped}) == 6

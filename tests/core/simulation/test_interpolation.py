"""Images of codes are resized as onnxruntime resizes them, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from clika_core.ir.graph import InputPort, Node, NodeKind, Value
from clika_core.simulation.interpolation import has_order, interpolated
from clika_loopback.arrays import LoopbackArrays

SCALE = np.float32(0.0173)


def resizing(size: tuple[int, int], **attributes: Any) -> Node:
    value = Value("float32", ("n", 3, *size), (2, 3, *size))
    given = {"size": size, "mode": "bilinear", **attributes}
    return Node("resize_1", "resize", NodeKind.LAYER, (InputPort("x"),), (value,), given)


def codes(*shape: int) -> np.ndarray:
    """Reals of codes: many a mean of four lies between two."""
    return np.random.default_rng(0).integers(0, 256, shape).astype(np.float32) * SCALE


def by_onnxruntime(x: np.ndarray, mode: str, **sizes: np.ndarray) -> np.ndarray:
    constants = [numpy_helper.from_array(array, name) for name, array in sizes.items()]
    inputs = ["x", "", "scales" if "scales" in sizes else "", *(["sizes"] if "sizes" in sizes else [])]
    node = helper.make_node("Resize", inputs, ["y"], mode="linear", coordinate_transformation_mode=mode)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [None] * 4) for name in "xy"]
    graph = helper.make_graph([node], "resize", ends[:1], ends[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    onnx.checker.check_model(model)
    return np.asarray(onnxruntime.InferenceSession(model.SerializeToString()).run(None, {"x": x})[0])


@pytest.mark.parametrize("size", [(14, 10), (28, 40), (9, 13), (3, 5), (1, 1), (7, 5)], ids=str)
@pytest.mark.parametrize("is_aligned", [False, True])
def test_an_image_is_resized_as_in_the_runtime(size: tuple[int, int], is_aligned: bool) -> None:
    x = codes(2, 3, 7, 5)
    found = interpolated(resizing(size, align_corners=is_aligned), x, LoopbackArrays())
    mode = "align_corners" if is_aligned else "half_pixel"
    wanted = by_onnxruntime(x, mode, sizes=np.asarray([2, 3, *size]))
    np.testing.assert_array_equal(found, wanted)


def test_broken_factors_set_the_places() -> None:
    x, scales = codes(2, 3, 7, 5), (1.5, 2.3)
    found = interpolated(resizing((10, 11), scales=scales), x, LoopbackArrays())
    wanted = by_onnxruntime(x, "half_pixel", scales=np.asarray([1, 1, *scales], np.float32))
    np.testing.assert_array_equal(found, wanted)
    assert np.any(found != interpolated(resizing((10, 11)), x, LoopbackArrays()))


def test_channels_may_come_last() -> None:
    x = codes(2, 3, 7, 5)
    first = interpolated(resizing((14, 9)), x, LoopbackArrays())
    last = interpolated(resizing((14, 9), channel_axis=3), x.transpose(0, 2, 3, 1), LoopbackArrays())
    np.testing.assert_array_equal(last.transpose(0, 3, 1, 2), first)


def test_ties_of_codes_are_frequent_and_another_order_breaks_them() -> None:
    """Along one axis and then along the other, as frameworks do it: one code in a hundred, of ties one in ten."""
    x = codes(2, 3, 40, 40)
    found = interpolated(resizing((80, 80)), x, LoopbackArrays())
    steps = found.astype(np.float64) / SCALE
    ties = np.abs(steps - np.floor(steps) - 0.5) < 1e-4
    assert np.mean(ties) > 0.04
    rows = interpolated(resizing((80, 40)), x, LoopbackArrays())
    other = interpolated(resizing((80, 80)), rows, LoopbackArrays())
    assert np.any(np.rint(found / SCALE) != np.rint(other / SCALE))


@pytest.mark.parametrize(
    "changed", [{"mode": "bicubic"}, {"size": ("h", 14)}, {"size": (3, 4, 5)}, {"size": (8,)}], ids=str
)
def test_what_is_resized_otherwise_has_no_order(changed: dict[str, Any]) -> None:
    assert has_order(resizing((14, 10)))
    assert not has_order(resizing(**{"size": (14, 10), **changed}))

"""Sessions run in input order, return values inside the model when asked, and are timed in turns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto

from clika_core.deployment.latency import latency_seconds
from clika_core.deployment.onnx_model import float_onnx
from clika_core.deployment.onnx_runtime import Session, with_outputs
from clika_loopback.traced_model import trace
from tests.core.loopback.networks import Sketch, batches


def model() -> onnx.ModelProto:
    s = Sketch()
    difference = s.op("sub", s.input("b", 3), s.input("a", 3))
    built = s.output(s.op("relu", difference))
    return float_onnx(trace(built, batches(built)[0])).model


def test_inputs_are_taken_in_order_and_outputs_by_name() -> None:
    session = Session(model())
    b, a = np.array([[1, 2, 3]], np.float32), np.array([[3, 2, 1]], np.float32)
    assert session.input_names == ["b", "a"]
    np.testing.assert_array_equal(session.run([b, a])[0], [[0, 0, 2]])


def test_a_session_is_made_from_a_file_too(tmp_path: Path) -> None:
    onnx.save_model(model(), str(tmp_path / "model.onnx"))
    assert Session(str(tmp_path / "model.onnx")).input_names == ["b", "a"]


def test_a_value_inside_can_be_returned_and_the_model_stays_as_it_was() -> None:
    plain = model()
    wider = with_outputs(plain, {"sub_1": TensorProto.FLOAT, "output_1": TensorProto.FLOAT})
    assert [value.name for value in plain.graph.output] == ["output_1"]
    (inside,) = Session(wider).run([np.ones((1, 3), np.float32), np.full((1, 3), 3, np.float32)], ["sub_1"])
    np.testing.assert_array_equal(inside, [[-2, -2, -2]])


def test_latencies_are_positive_seconds_for_each_session() -> None:
    sessions = {"one": Session(model()), "two": Session(model(), num_threads=2)}
    found = latency_seconds(
        {name: session.run for name, session in sessions.items()},
        [np.ones((1, 3), np.float32)] * 2,
        rounds=3,
        warm_up=1,
    )
    assert set(found) == {"one", "two"}
    assert all(0 < seconds < 1 for seconds in found.values())

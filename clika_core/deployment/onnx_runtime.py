"""Runs ONNX models in onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

OPTIMIZATION_LEVEL = "all"  # what the agreement and the latencies below hold for


class Session:
    """A model in onnxruntime on the CPU, fully optimized, with a given number of threads."""

    def __init__(self, model: onnx.ModelProto | str, *, num_threads: int = 1) -> None:
        """`model` is a model or the path of one."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        source = model if isinstance(model, str) else model.SerializeToString()
        self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self.input_names = [value.name for value in self._session.get_inputs()]

    def run(self, inputs: Sequence[NDArray[Any]], outputs: Sequence[str] | None = None) -> list[NDArray[Any]]:
        """The outputs of those names, or all, for inputs in order."""
        feeds = dict(zip(self.input_names, inputs, strict=True))
        return [np.asarray(value) for value in self._session.run(outputs, feeds)]


def with_outputs(model: onnx.ModelProto, values: Mapping[str, int]) -> onnx.ModelProto:
    """A copy of `model` that also returns the named values, given with their element types."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    present = {value.name for value in copy.graph.output}
    copy.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, type_, None)
        for name, type_ in values.items()
        if name not in present
    )
    return copy

"""onnxruntime's own static quantization of the same float model: the peer that the demo is compared with."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static


def quantized_by_onnxruntime(
    model: onnx.ModelProto, batches: Sequence[Sequence[NDArray[Any]]]
) -> onnx.ModelProto:
    """`model` quantized by onnxruntime with its defaults for this comparison: min-max, per channel, QDQ, u8/s8.

    `batches` are calibration inputs in the order of the model's inputs.
    """
    names = [value.name for value in model.graph.input]
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "float.onnx", Path(folder) / "int8.onnx"
        onnx.save_model(model, str(source))
        logging.disable(logging.WARNING)
        try:
            quantize_static(
                str(source),
                str(result),
                _Reader(names, batches),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
        finally:
            logging.disable(logging.NOTSET)
        return onnx.load_model(str(result))


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Feeds batches one by one."""

    def __init__(self, names: Sequence[str], batches: Sequence[Sequence[NDArray[Any]]]) -> None:
        self._feeds = iter([dict(zip(names, batch, strict=True)) for batch in batches])

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        """The next feed, None after the last."""
        return next(self._feeds, None)

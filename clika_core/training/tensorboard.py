"""`TensorBoardCallback`: what TensorBoard shows. Needs the package `tensorboard`, imported when training begins."""

from __future__ import annotations

import math
import struct
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from clika_core.errors import MissingDependencyError, OutputError
from clika_core.pictures.sensitivity_bars import sensitivity_picture
from clika_core.pictures.svg import render_png
from clika_core.pictures.write import INITIAL, PREPROCESSED
from clika_core.training.callbacks import Callback

_QS = "quantization_sensitivity"
_SIZE = slice(16, 24)  # of a PNG file: width and height


class TensorBoardCallback(Callback):
    """Scalars per step and per epoch, the QS of every layer, and the pictures of the graph.

    Layers stand along the step axis of `quantization_sensitivity`, in trace order; text and bars beside it name them.
    Pictures are images where graphviz is installed (`clika-core[pictures]`), else their source is shown as text.
    """

    def __init__(self, output_path: str | Path) -> None:
        """Event files are written into `output_path`.

        Raises MissingDependencyError without TensorBoard: now, and not after calibration. It is imported later.
        """
        if find_spec("tensorboard") is None:
            raise _missing("the package tensorboard is not installed")
        self._path = Path(output_path)
        self._writer: Any = None

    def on_start(self, folder: Path, report: Mapping[str, Any]) -> None:
        """Open the event file; write QS and pictures."""
        self._writer = _writer(self._path)
        self._write_sensitivities(report.get("layers", ()))
        for picture in (INITIAL, PREPROCESSED):
            source = folder / f"{picture}.dot"
            if source.is_file():
                self._picture(picture, source.read_text(encoding="utf-8"))

    def on_step(self, step: int, values: Mapping[str, float]) -> None:
        """Scalars `step/<name>`."""
        for name, value in values.items():
            self._scalar(f"step/{name}", value, step)

    def on_epoch(self, epoch: int, summary: Mapping[str, Any]) -> None:
        """Scalars `<group>/<name>`."""
        for group in ("training", "evaluation"):
            for name, entry in summary[group].items():
                self._scalar(f"{group}/{name}", entry["value"], epoch)
        self._writer.flush()

    def on_end(self) -> None:
        """Close the event file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _write_sensitivities(self, layers: Any) -> None:
        measured = [layer for layer in layers if isinstance(layer.get("qs"), int | float)]
        rows = []
        finite = {layer["name"]: layer["qs"] for layer in measured if math.isfinite(layer["qs"])}
        for position, layer in enumerate(measured):
            self._scalar(_QS, layer["qs"], position)
            rows.append(f"| {position} | {layer['name']} | {layer['qs']:.6g} |")
        if rows:
            self._text(_QS, "\n".join(["| step | layer | QS |", "|---|---|---|", *rows]), 0)
        if finite:
            self._picture(_QS, sensitivity_picture(finite).render())

    def _picture(self, tag: str, dot_text: str) -> None:
        """The picture as an image; where it cannot be drawn, why not, and its source."""
        from tensorboard.compat.proto.summary_pb2 import Summary

        try:
            png = render_png(dot_text)
        except (MissingDependencyError, OutputError) as error:
            source = "    " + dot_text.replace("\n", "\n    ")
            self._text(tag, f"{error.message} ({error.fix})\n\n{source}", 0)
            return
        width, height = struct.unpack(">II", png[_SIZE])
        image = Summary.Image(height=height, width=width, colorspace=3, encoded_image_string=png)
        self._add(Summary(value=[Summary.Value(tag=f"{tag}/picture", image=image)]), 0)

    def _scalar(self, tag: str, value: float, step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary

        if math.isfinite(value):
            self._add(Summary(value=[Summary.Value(tag=tag, simple_value=value)]), step)

    def _text(self, tag: str, text: str, step: int) -> None:
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.plugins.text.metadata import create_summary_metadata

        tensor = TensorProto(dtype="DT_STRING", string_val=[text.encode()])
        metadata = create_summary_metadata(display_name=None, description=None)
        self._add(Summary(value=[Summary.Value(tag=f"{tag}/text", metadata=metadata, tensor=tensor)]), step)

    def _add(self, summary: Any, step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.write(Event(wall_time=time.time(), step=step, summary=summary).SerializeToString())


def _missing(found: str) -> MissingDependencyError:
    return MissingDependencyError(
        "TensorBoardCallback needs TensorBoard", found=found, fix='pip install "clika-core[tensorboard]"'
    )


def _writer(path: Path) -> Any:
    """A writer of event files. TensorBoard's own opens files through TensorFlow where that is installed."""
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter
    except ImportError as error:
        raise _missing(str(error)) from error
    try:
        path.mkdir(parents=True, exist_ok=True)
        stream = (path / f"events.out.tfevents.{time.time_ns()}.clika").open("xb")
    except OSError as error:
        raise OutputError(f"cannot write into {path}", found=error.strerror or str(error)) from error
    writer = RecordWriter(stream)
    writer.write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
    return writer

"""Verifies a deployed file of any format against the report that was written with it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from clika_core.backend.model_file import FileFormat
from clika_core.deployment.onnx_format import OnnxFormat
from clika_core.deployment.verification import Verification
from clika_core.pipeline.deployment import file_format
from clika_core.plugins.registry import targets


def verify(report: Mapping[str, Any], path: Path) -> Verification:
    """What is in the file, layer by layer, and what is not as the report says.

    Raises OutputError for a file that cannot be read or looked into.
    """
    return _format_of(path).verify(report, path)


def _format_of(path: Path) -> FileFormat:
    """The format of a file with this suffix; ONNX, which says what it expects, for one that no target has."""
    for target in targets().values():
        if target.written_by is not None and target.file_suffix == path.suffix:
            return file_format(target)
    return OnnxFormat()

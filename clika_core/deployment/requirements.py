"""Says what to install where the extra `onnx` is missing. Imports nothing of it."""

from __future__ import annotations

from importlib.util import find_spec

from clika_core.errors import MissingDependencyError


def require_onnx() -> None:
    """Raise MissingDependencyError with the install line unless onnx and onnxruntime can be imported."""
    missing = [name for name in ("onnx", "onnxruntime") if find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"deployment needs {' and '.join(missing)}",
            found="not installed",
            fix='pip install "clika-core[onnx]"',
        )

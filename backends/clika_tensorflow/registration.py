"""What `clika` loads to know this backend. TensorFlow is not imported here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clika_core.plugins.hooks import hookimpl

if TYPE_CHECKING:
    from clika_core.backend.interface import Backend


@hookimpl
def clika_register_backends() -> Sequence[Backend]:
    """The TensorFlow backend."""
    from clika_tensorflow.backend import TensorFlowBackend

    return [TensorFlowBackend()]

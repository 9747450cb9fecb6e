"""Registers the backend. Imports no framework: it is loaded on every command."""

from __future__ import annotations

from collections.abc import Sequence

from clika_core.backend.interface import Backend
from clika_core.plugins.hooks import hookimpl
from clika_torch.backend import TorchBackend


@hookimpl
def clika_register_backends() -> Sequence[Backend]:
    """The PyTorch backend."""
    return [TorchBackend()]

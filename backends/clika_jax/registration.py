"""Registers the backend. Imports no framework: it is loaded on every command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from clika_core.plugins.hooks import hookimpl

if TYPE_CHECKING:
    from clika_core.backend.interface import Backend


@hookimpl
def clika_register_backends() -> Sequence[Backend]:
    """The JAX backend."""
    from clika_jax.backend import JaxBackend

    return [JaxBackend()]
